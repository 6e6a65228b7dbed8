import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { until } from '#platform/testing/until.js'
import { type Queue, queuesOfThisMachine } from '../e2e/queue-store.js'
import { TwoProcesses } from './two-processes.js'

/** `MANDATE_WORKER_CONCURRENCY` as it is by default: so many callbacks may be under way when a worker dies. */
const CONCURRENCY = 64
const KILLED = 500
const STOPPED = 150
const UNHEARD = 20
const PATIENCE = 120_000

/** One in fifty is suspended: a refusal has to survive as well as a grant. */
const people = (from: number, count: number) =>
  Array.from({ length: count }, (_, n) =>
    n % 50 === 49 ? 'suspended@acme.test' : `user${String(from + n).padStart(5, '0')}@acme.test`,
  )

/** Asks, and waits until a quarter is told: then some are being told, Google is being asked about some, and most wait. */
async function askAndGetUnderWay(mandate: TwoProcesses, emails: string[]): Promise<string[]> {
  const { deliveries, standIn } = mandate.sandbox.receiver
  const before = deliveries.total
  mandate.sandbox.google.faults.add({ path: '/token', delayMs: 150 })
  standIn.faults.add({ path: '/callbacks', delayMs: 50 })
  const ids = await mandate.ask(emails)
  await until('a quarter to be told', () => deliveries.total - before > emails.length / 4, { everyMs: 5 })
  return ids
}

async function stopWithSigterm(mandate: TwoProcesses) {
  const ids = await askAndGetUnderWay(mandate, people(1, STOPPED))
  const worker = mandate.worker
  const gone = worker.end('SIGTERM')
  await until('the worker to be gone', () => worker.hasEnded, { timeoutMs: 60_000 })
  await gone
  const told = mandate.callbacks().size
  mandate.startWorker()
  return { ids, exitCode: worker.exitCode, told, endings: await mandate.endings(ids) }
}

/** While the worker is dead, the bells of some further requests get lost. */
async function kill(mandate: TwoProcesses, databaseUrl: Parameters<TwoProcesses['letAMinutePass']>[0]) {
  const ids = await askAndGetUnderWay(mandate, people(STOPPED + 1, KILLED))
  await mandate.worker.end('SIGKILL')
  const told = mandate.callbacks().size - STOPPED
  const unheard = await mandate.ask(people(STOPPED + KILLED + 1, UNHEARD))
  await mandate.queue.lose(unheard)
  await mandate.letAMinutePass(databaseUrl, unheard)
  mandate.startWorker()
  const all = await mandate.endings([...ids, ...unheard])
  return { ids, told, unheard, endings: all.slice(0, KILLED), endingsOfUnheard: all.slice(KILLED) }
}

type Stopped = Awaited<ReturnType<typeof stopWithSigterm>>
type Killed = Awaited<ReturnType<typeof kill>>

describe('a worker process that', () => {
  const queues = queuesOfThisMachine()
  const runs = queues.map((queue) => ({ queue, database: testDatabase() }))
  const begun = new Map<Queue, { mandate: Promise<TwoProcesses>; stopped: Promise<Stopped>; killed: Promise<Killed> }>()

  // On all stores at once: most of the time is spent waiting for a dead worker's locks to run out.
  beforeAll(() => {
    for (const { queue, database } of runs) {
      const mandate = TwoProcesses.start(database.url, queue, STOPPED + KILLED + UNHEARD)
      const stopped = mandate.then(stopWithSigterm)
      const killed = stopped.then(async () => kill(await mandate, database.url))
      // Each test looks at its own; none of them may be unhandled until then.
      killed.catch(() => {})
      begun.set(queue, { mandate, stopped, killed })
    }
  })
  afterAll(async () => {
    for (const { mandate, killed } of begun.values()) {
      await killed.catch(() => {})
      await mandate.then(
        (started) => started.stop(),
        () => {},
      )
    }
  }, PATIENCE)

  /** However often it was said. */
  const expectOneOutcomeEach = (callbacks: Map<string, string[]>, ids: readonly string[]) => {
    const kinds = (id: string) =>
      new Set((callbacks.get(id) ?? []).map((body) => (body.includes('"code"') ? 'code' : body)))
    expect(ids.filter((id) => kinds(id).size !== 1)).toEqual([])
  }
  const countOf = (endings: Stopped['endings'], what: { status: string; callback: string }) =>
    endings.filter(({ status, callback }) => status === what.status && callback === what.callback).length

  describe.each(queues)('(its queue on %s)', (queue) => {
    it(
      'is stopped by SIGTERM finishes what it has in hand and goes, and nothing is lost or said twice',
      async () => {
        const { ids, exitCode, told, endings } = await begun.get(queue)!.stopped
        expect(exitCode).toBe(0)
        expect(told).toBeLessThan(STOPPED)
        expect(countOf(endings, { status: 'granted', callback: 'delivered' })).toBe(STOPPED - 3)
        expect(countOf(endings, { status: 'denied', callback: 'delivered' })).toBe(3)
        expect(endings.filter(({ attempts }) => attempts !== 1)).toEqual([])
        expectOneOutcomeEach((await begun.get(queue)!.mandate).callbacks(), ids)
      },
      PATIENCE,
    )

    it(
      'is killed in the midst of 500 requests leaves none without its one outcome',
      async () => {
        const { ids, told, endings } = await begun.get(queue)!.killed
        const callbacks = (await begun.get(queue)!.mandate).callbacks()
        expect(told).toBeGreaterThan(KILLED / 4 - 1)
        expect(told).toBeLessThan(KILLED)
        expect(countOf(endings, { status: 'granted', callback: 'delivered' })).toBe(KILLED - 10)
        expect(countOf(endings, { status: 'denied', callback: 'delivered' })).toBe(10)
        expectOneOutcomeEach(callbacks, ids)
        const twice = ids.filter((id) => callbacks.get(id)!.length > 1)
        expect(twice.length).toBeLessThanOrEqual(CONCURRENCY)
        expect(twice.filter((id) => callbacks.get(id)!.length > 2)).toEqual([])
      },
      PATIENCE,
    )

    it(
      'comes back finds requests whose bell was lost',
      async () => {
        const { unheard, endingsOfUnheard } = await begun.get(queue)!.killed
        const callbacks = (await begun.get(queue)!.mandate).callbacks()
        expect(countOf(endingsOfUnheard, { status: 'granted', callback: 'delivered' })).toBe(UNHEARD)
        expect(unheard.map((id) => callbacks.get(id)?.length)).toEqual(Array(UNHEARD).fill(1))
      },
      PATIENCE,
    )
  })
})
