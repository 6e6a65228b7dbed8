import { until } from '#platform/testing/until.js'
import { Batch } from './batch.js'

describe('a batch', () => {
  /** What was sent, and how to answer it. */
  function stage(pace: { most: number; underWay?: number }) {
    const sent: { items: number[]; answer: () => void }[] = []
    const send = (items: number[]) =>
      new Promise<number[]>((resolve) => sent.push({ items, answer: () => resolve(items.map((item) => item * 10)) }))
    return { sent, batch: new Batch(send, { collectMs: 0, ...pace }) }
  }
  const turn = () => new Promise((resolve) => setImmediate(resolve))

  it('holds what is asked for in one turn of the event loop, and no more than it may', async () => {
    const { sent, batch } = stage({ most: 2 })
    const answers = [1, 2, 3].map((item) => batch.add(item))
    await turn()
    answers.push(batch.add(4))
    await turn()
    expect(sent.map(({ items }) => items)).toEqual([[1, 2], [3], [4]])

    for (const { answer } of sent) answer()
    expect(await Promise.all(answers)).toEqual([10, 20, 30, 40])
  })

  it('waits where enough are under way, and then takes all who came meanwhile', async () => {
    const { sent, batch } = stage({ most: 3, underWay: 1 })
    const answers = [batch.add(1)]
    await turn()
    for (const item of [2, 3, 4, 5]) {
      answers.push(batch.add(item))
      await turn()
    }
    expect(sent.map(({ items }) => items)).toEqual([[1]])

    sent[0]!.answer()
    await until('the next batch', () => sent.length > 1)
    expect(sent.map(({ items }) => items)).toEqual([[1], [2, 3, 4]])

    sent[1]!.answer()
    await until('the next batch', () => sent.length > 2)
    sent[2]!.answer()
    expect(await Promise.all(answers)).toEqual([10, 20, 30, 40, 50])
  })
})
