import { join } from 'node:path'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { openQueueStore, type Queue, queuesOfThisMachine } from '../e2e/queue-store.js'
import { check, type Verdict } from './checker.js'
import { dieAtEach, pointsOnThePath, stopWithWorkInHand } from './faults.js'
import { MandateUnderFaults } from './mandate-under-faults.js'

const LIBRARIES = join(import.meta.dirname, '../../libs')
const PATIENCE = 400_000

/** Where most is in the air: committed and not rung for, said by the provider or the receiver and not written down. */
const POINTS = [
  'accept-requests.committed',
  'redeem-code.committed',
  'deliver-message.answered',
  'deliver-message.claimed',
  'doorbell.ringing',
  'mint-access.answered',
  'mint-access.decided',
  'sweep-requests.found',
]

/** The short form of `npm run test:faults`, which dies at every fail-point, and takes the stores away too. */
describe('Mandate, dying where most is in the air,', () => {
  const queues = queuesOfThisMachine()
  const runs = queues.map((queue, index) => ({
    queue,
    database: testDatabase(),
    // Half of them each; where there is one store alone, the other half is left to machines with both.
    points: POINTS.filter((_, number) => number % 2 === index),
  }))
  const outcomes = new Map<Queue, Promise<{ verdict: Verdict; exitCode: number | null }>>()

  async function liveAndDie({ queue, database, points }: (typeof runs)[number]) {
    const store = openQueueStore(queue, database.url)
    const mandate = await MandateUnderFaults.start({ databaseUrl: database.url, settings: store.settings }, 2_000)
    try {
      await dieAtEach(mandate, points)
      const exitCode = await stopWithWorkInHand(mandate, 60)
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

  it('dies at points that there are, among those of every step', () => {
    const points = pointsOnThePath(LIBRARIES)
    expect(points).toEqual(expect.arrayContaining(POINTS))
    expect(points.length).toBeGreaterThan(15)
  })

  it.each(queues)(
    '(its queue on %s) loses nothing, says nothing twice over, forges nothing and crosses nothing',
    async (queue) => {
      const { verdict, exitCode } = await outcomes.get(queue)!
      expect(verdict.findings).toEqual([])
      expect(verdict.counts).toMatchObject({ lost: 0, doubled: 0, forged: 0, crossed: 0 })
      expect(verdict.counts.denied).toBeGreaterThan(0)
      expect(verdict.counts.exchanged).toBeGreaterThan(0)
      expect(exitCode).toBe(0)
    },
    PATIENCE,
  )
})
