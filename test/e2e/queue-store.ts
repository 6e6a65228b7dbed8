import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import pg from 'pg'
import type { Secret } from '#platform/secrets/secret.js'
import { redisForTests } from '#platform/testing/machine-for-tests.js'

export type Queue = 'postgres' | 'redis'

/** The stores to run a test on. What a machine lacks is named at the end of the run. */
export const queuesOfThisMachine = (): Queue[] => (redisForTests() ? ['postgres', 'redis'] : ['postgres'])

/** Where one Mandate keeps its queues, seen from behind. */
export interface QueueStore {
  /** What Mandate has to be told. */
  settings: Record<string, string>
  /** Whether a bell for this request is still to ring, or ringing. */
  holdsJobFor(requestId: string): Promise<boolean>
  /** Takes away the bells that have been rung for these requests and not yet been heard. */
  lose(requestIds: readonly string[]): Promise<void>
  /** Leaves nothing behind. */
  close(): Promise<void>
}

export const openQueueStore = (queue: Queue, databaseUrl: Secret<string>): QueueStore =>
  queue === 'postgres' ? onPostgres(databaseUrl) : onRedis()

const jobIds = (requestId: string) => [`mint-${requestId}`, `deliver-${requestId}`]

function onPostgres(databaseUrl: Secret<string>): QueueStore {
  const pool = new pg.Pool({ connectionString: databaseUrl.reveal(), max: 1 })
  return {
    settings: {},
    holdsJobFor: async (requestId) => {
      const { rows } = await pool.query('select from bullmq.job where id = any($1)', [jobIds(requestId)])
      return rows.length > 0
    },
    lose: async (requestIds) =>
      void (await pool.query('delete from bullmq.job where id = any($1)', [requestIds.flatMap(jobIds)])),
    close: () => pool.end(),
  }
}

/** The machine's Redis is everybody's: what is ours has a prefix of its own. */
function onRedis(): QueueStore {
  const url = redisForTests()?.reveal()
  if (!url) throw new Error('This machine has no Redis: leave this test out.')
  const prefix = `mandate-test-${randomUUID().slice(0, 8)}`
  const redis = new Redis(url)
  const queueOf = (jobId: string) => `${prefix}:${jobId.startsWith('mint') ? 'mint-access' : 'deliver-callback'}`
  return {
    settings: { REDIS_URL: url, MANDATE_QUEUE_PREFIX: prefix },
    holdsJobFor: async (requestId) => (await redis.exists(jobIds(requestId).map((id) => `${queueOf(id)}:${id}`))) > 0,
    lose: async (requestIds) => {
      for (const id of requestIds.flatMap(jobIds)) {
        await redis.lrem(`${queueOf(id)}:wait`, 0, id)
        await redis.unlink(`${queueOf(id)}:${id}`)
      }
    },
    close: async () => {
      for await (const keys of redis.scanStream({ match: `${prefix}:*`, count: 1000 }))
        if (keys.length > 0) await redis.unlink(keys)
      redis.disconnect()
    },
  }
}
