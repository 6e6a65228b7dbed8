import { EventEmitter } from 'node:events'
import { until } from '#platform/testing/until.js'
import { Started } from './started.js'

describe('what a run has started', () => {
  const ended: string[] = []
  const said: string[] = []
  const left: number[] = []
  let started: Started
  let mayEnd: PromiseWithResolvers<void>
  const signals = new EventEmitter()

  beforeEach(() => {
    for (const list of [ended, said, left]) list.splice(0)
    signals.removeAllListeners()
    mayEnd = Promise.withResolvers()
    started = new Started((line) => said.push(line))
    started.add(async () => void ended.push('store'))
    started.add(async () => {
      throw new Error('gone already')
    })
    started.add(async () => {
      await mayEnd.promise
      ended.push('process')
    })
  })

  it.each(['SIGINT', 'SIGTERM'])(
    'is ended by %s, the last first, whatever fails, and before anybody leaves',
    async (signal) => {
      started.endOn(signals, (exitCode) => left.push(exitCode))
      signals.emit(signal)
      // What it was at fails by that, and wants to leave too.
      const other = started.endAll().then(() => left.push(1))
      expect([ended, left]).toEqual([[], []])
      mayEnd.resolve()
      await other
      await until('the run to leave', () => left.includes(130))
      expect(ended).toEqual(['process', 'store'])
      expect(said).toEqual([`${signal}: ending what was started`, 'gone already'])
    },
  )

  it('is ended one by one where it is done with', async () => {
    mayEnd.resolve()
    await started.endLast()
    expect(ended).toEqual(['process'])
  })
})
