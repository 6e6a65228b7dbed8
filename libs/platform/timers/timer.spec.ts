import { Log } from '#platform/observability/log.js'
import { until } from '#platform/testing/until.js'
import { Timer } from './timer.js'

class TimerOf extends Timer {
  constructor(
    private readonly work: (stopping: AbortSignal) => Promise<unknown>,
    lines: string[] = [],
  ) {
    super(1, 'work.failed', new Log('error', (line) => lines.push(line)))
  }

  protected pass(stopping: AbortSignal) {
    return this.work(stopping)
  }
}

describe('a timer', () => {
  const started: Timer[] = []
  const start = (...given: ConstructorParameters<typeof TimerOf>) => {
    const timer = new TimerOf(...given)
    timer.onApplicationBootstrap()
    started.push(timer)
    return timer
  }
  afterEach(() => Promise.all(started.splice(0).map((timer) => timer.beforeApplicationShutdown())))

  it('does its work again and again, one pass at a time', async () => {
    let [underWay, most, passes] = [0, 0, 0]
    start(async () => {
      most = Math.max(most, ++underWay)
      await until('a few intervals to go by', () => ++passes % 5 === 0, { everyMs: 2 })
      underWay -= 1
    })
    await until('some passes', () => passes > 15)
    expect(most).toBe(1)
  })

  it('logs a pass that fails, and goes on', async () => {
    const lines: string[] = []
    let passes = 0
    start(async () => {
      if (++passes === 1) throw new Error('the database is away')
    }, lines)
    await until('a pass after the failed one', () => passes > 1)
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ msg: 'work.failed' }])
  })

  it('tells the pass under way to stop, waits for its end, and begins no other', async () => {
    let [begun, ended] = [0, 0]
    const timer = start(async (stopping) => {
      begun += 1
      await until('the process to stop', () => stopping.aborted, { everyMs: 1 })
      ended += 1
    })
    await until('a pass', () => begun === 1)
    await timer.beforeApplicationShutdown()
    expect({ begun, ended }).toEqual({ begun: 1, ended: 1 })
  })
})
