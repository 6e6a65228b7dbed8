import { createPostgresBackend, runMigrations, setDefaultBackendFactory } from 'bullmq'
import { Redis } from 'ioredis'
import pg from 'pg'
import { seconds } from '#platform/clock/clock.js'
import type { StoreSettings } from '#platform/config/settings.js'
import { Log } from '#platform/observability/log.js'
import type { Secret } from '#platform/secrets/secret.js'

export const QUEUE_BACKEND = Symbol('queue backend')

/** Where BullMQ keeps its jobs, and the connections it uses. */
export interface QueueBackend {
  readonly kind: 'redis' | 'postgres'
  /** For `add`: fails at once while the store is down, because a lost ring is made good by the sweeper. */
  readonly producerConnection: Redis | pg.Pool
  /** For workers: waits for the store to come back. */
  readonly workerConnection: Redis | pg.Pool
  readonly prefix: string
  isReachable(): Promise<boolean>
  close(): Promise<void>
}

export async function openQueueBackend(
  { redisUrl, queuePrefix }: Pick<StoreSettings, 'redisUrl' | 'queuePrefix'>,
  databaseUrl: Secret<string>,
  log: Log,
): Promise<QueueBackend> {
  return redisUrl ? openRedis(redisUrl, log, queuePrefix) : openPostgres(databaseUrl, log, queuePrefix)
}

async function openRedis(url: Secret<string>, log: Log, prefix: string): Promise<QueueBackend> {
  // BullMQ's choice of store is one per process.
  setDefaultBackendFactory()
  const [producer, worker] = [
    // A Redis that is connected and silent must not hold up the answer to a request that is committed already.
    new Redis(url.reveal(), {
      enableOfflineQueue: false,
      lazyConnect: true,
      maxRetriesPerRequest: null,
      commandTimeout: seconds(2),
      enableAutoPipelining: true,
    }),
    // What the jobs of one turn of the event loop say goes out as one write, which is most of what a command costs.
    new Redis(url.reveal(), { lazyConnect: true, maxRetriesPerRequest: null, enableAutoPipelining: true }),
  ]
  for (const connection of [producer, worker])
    connection.on('error', (error: Error) => log.failure('redis.connection_failed', error))
  const disconnect = () => {
    producer.disconnect()
    worker.disconnect()
  }
  try {
    await Promise.all([producer.connect(), worker.connect()])
    await refuseEviction(producer)
  } catch (error) {
    disconnect()
    throw error
  }
  return {
    kind: 'redis',
    producerConnection: producer,
    workerConnection: worker,
    prefix,
    isReachable: async () => (await producer.ping().catch(() => '')) === 'PONG',
    close: async () => disconnect(),
  }
}

/** What evicts keys drops jobs in silence. (INFO and not CONFIG: hosted ones forbid the latter.) */
async function refuseEviction(redis: Redis): Promise<void> {
  const [, policy = 'noeviction'] = /^maxmemory_policy:(\S+)/m.exec(await redis.info('memory')) ?? []
  if (policy !== 'noeviction')
    throw new Error(`its maxmemory-policy is ${policy}, so it may drop jobs to make room. Set it to noeviction.`)
}

async function openPostgres(url: Secret<string>, log: Log, prefix: string): Promise<QueueBackend> {
  setDefaultBackendFactory(createPostgresBackend)
  const pool = new pg.Pool({
    connectionString: url.reveal(),
    options: '-c search_path=bullmq',
    keepAlive: true,
    max: 20,
  })
  pool.on('error', (error) => log.failure('queue.connection_failed', error))
  const client = await pool.connect()
  try {
    await runMigrations(client)
  } finally {
    client.release()
  }
  return {
    kind: 'postgres',
    producerConnection: pool,
    workerConnection: pool,
    prefix,
    isReachable: async () => {
      try {
        await pool.query('select 1')
        return true
      } catch {
        return false
      }
    },
    close: () => pool.end(),
  }
}
