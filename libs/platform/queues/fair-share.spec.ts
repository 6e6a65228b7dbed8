import { FairShare } from './fair-share.js'

/** Serves what was rung by priority, as BullMQ does: 0 first, then the lowest number, each in the order of arrival. */
class Line {
  readonly #waiting: { name: string; turn: number; at: number }[] = []
  #rung = 0

  constructor(readonly shares: FairShare) {}

  ring(name: string, times = 1) {
    this.#look()
    for (let i = 0; i < times; i++) this.#waiting.push({ name, turn: this.shares.turnOf(name), at: this.#rung++ })
  }

  serve(times = 1): string[] {
    this.#waiting.sort((a, b) => a.turn - b.turn || a.at - b.at)
    return this.#waiting.splice(0, times).map(({ name }) => name)
  }

  #look() {
    const turns = this.#waiting.map(({ turn }) => turn)
    const withTurn = turns.filter((turn) => turn > 0)
    this.shares.serving(withTurn.length > 0 ? withTurn.reduce((a, b) => Math.min(a, b)) : turns.length > 0 ? 0 : null)
  }
}
const countOf = (names: string[], name: string) => names.filter((each) => each === name).length

describe('a fair share', () => {
  it('takes one job of a second client after few of the ten thousand of a first', () => {
    const line = new Line(new FairShare())
    for (let batch = 0; batch < 200; batch++) line.ring('big', 50)
    expect(countOf(line.serve(5000), 'big')).toBe(5000)
    line.ring('small')
    expect(line.serve(50)).toContain('small')
  })

  it('serves two who both want much by turns, also when one has begun long before', () => {
    const line = new Line(new FairShare())
    line.ring('first', 20_000)
    line.serve(10_000)
    line.ring('second', 20_000)
    const served = line.serve(2_000)
    expect(Math.abs(countOf(served, 'first') - countOf(served, 'second'))).toBeLessThanOrEqual(20)
  })

  it('lets nobody starve who waits, however many come with little', () => {
    const line = new Line(new FairShare())
    line.ring('big', 1_000)
    let served = 0
    for (let comer = 0; comer < 3_000; comer++) {
      line.ring(`comer ${comer}`)
      served += countOf(line.serve(1), 'big')
    }
    line.ring('late')
    expect(served).toBeGreaterThan(100)
  })

  it('remembers nothing of a backlog that is gone', () => {
    const line = new Line(new FairShare())
    line.ring('big', 10_000)
    line.serve(10_000)
    line.ring('other', 5_000)
    line.ring('big')
    expect(line.serve(200)).toContain('big')
  })

  it('rings as it comes while nobody wants much', () => {
    const shares = new FairShare()
    shares.serving(null)
    for (const name of ['a', 'b', 'c']) for (let i = 0; i < 100; i++) expect(shares.turnOf(name)).toBe(0)
    expect(shares.turnOf('a')).toBe(1)
    expect(shares.turnOf('d')).toBe(0)
    shares.serving(null)
    expect(shares.turnOf('a')).toBe(0)
  })

  it('stays within what BullMQ can count', () => {
    const shares = new FairShare()
    shares.serving(2_097_150)
    for (let i = 0; i < 100; i++) expect(shares.turnOf('big')).toBeLessThanOrEqual(2_097_151)
  })
})
