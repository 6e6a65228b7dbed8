import { join } from 'node:path'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { openQueueStore, type Queue, queuesOfThisMachine } from '../e2e/queue-store.js'
import { check, type Verdict } from './checker.js'
import { dieAtEach, failPoints, killAtRandom, pointsOnThePath, stopWithWorkInHand } from './faults.js'
import { MandateUnderFaults } from './mandate-under-faults.js'

const LIBRARIES = join(import.meta.dirname, '../../libs')
const PATIENCE = 240_000

/** The short form of `npm run test:faults`, which runs longer, dies more often, and takes the stores away too. */
describe('Mandate, dying at every fail-point and in between,', () => {
  const queues = queuesOfThisMachine()
  const runs = queues.map((queue, index) => ({
    queue,
    database: testDatabase(),
    // Every point on one of the stores: all of them on each take longer than a test may.
    points: pointsOnThePath(LIBRARIES).filter((_, number) => number % queues.length === index),
  }))
  const outcomes = new Map<Queue, Promise<{ verdict: Verdict; exitCode: number | null }>>()

  async function liveAndDie({ queue, database, points }: (typeof runs)[number]) {
    const store = openQueueStore(queue, database.url)
    const mandate = await MandateUnderFaults.start({ databaseUrl: database.url, settings: store.settings }, 2_000)
    try {
      await dieAtEach(mandate, points)
      const exitCode = await stopWithWorkInHand(mandate, 60)
      await killAtRandom(mandate, 200, 3)
      await mandate.comeToRest()
      return { verdict: check(await mandate.evidence()), exitCode }
    } finally {
      await mandate.stop()
      await store.close()
    }
  }

  // On all stores at once: most of the time is spent waiting for dead workers' leases to run out.
  beforeAll(() => {
    for (const run of runs) {
      const outcome = liveAndDie(run)
      outcome.catch(() => {})
      outcomes.set(run.queue, outcome)
    }
  })
  afterAll(async () => void (await Promise.allSettled(outcomes.values())), PATIENCE)

  it('has points before, within and after each step', () => {
    const steps = new Set(failPoints(LIBRARIES).map((name) => name.split('.')[0]))
    expect([...steps]).toEqual(
      expect.arrayContaining([
        'accept-requests',
        'deliver-callback',
        'doorbell',
        'mint-access',
        'redeem-code',
        'sweep-requests',
      ]),
    )
    expect(failPoints(LIBRARIES).length).toBeGreaterThan(15)
  })

  it.each(queues)(
    '(its queue on %s) loses nothing, says nothing twice over, forges nothing and crosses nothing',
    async (queue) => {
      const { verdict, exitCode } = await outcomes.get(queue)!
      expect(verdict.findings).toEqual([])
      expect(verdict.counts).toMatchObject({ lost: 0, doubled: 0, forged: 0, crossed: 0 })
      expect(verdict.counts.told).toBe(verdict.counts.accepted)
      expect(verdict.counts.denied).toBeGreaterThan(0)
      expect(verdict.counts.exchanged).toBeGreaterThan(verdict.counts.accepted / 2)
      expect(exitCode).toBe(0)
    },
    PATIENCE,
  )
})
