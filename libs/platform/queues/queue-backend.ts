import { createPostgresBackend, runMigrations, setDefaultBackendFactory, type Telemetry } from 'bullmq'
import pg from 'pg'
import { seconds } from '#platform/clock/clock.js'
import type { RedisSettings, StoreSettings } from '#platform/config/settings.js'
import { Log } from '#platform/observability/log.js'
import { isTracing } from '#platform/observability/tracing.js'
import type { Secret } from '#platform/secrets/secret.js'
import { prefixFor, type RedisConnection, redisConnection, refuseEviction } from './redis-connections.js'

export const QUEUE_BACKEND = Symbol('queue backend')

/** Where BullMQ keeps its jobs, and the connections it uses. */
export interface QueueBackend {
  readonly kind: 'redis' | 'postgres'
  /** For `add`: fails at once while the store is down, because a lost ring is made good by the sweeper. */
  readonly producerConnection: RedisConnection | pg.Pool
  /** For workers: waits for the store to come back. */
  readonly workerConnection: RedisConnection | pg.Pool
  readonly prefix: string
  /** BullMQ's own spans, where anybody wants traces. */
  readonly telemetry?: Telemetry | undefined
  isReachable(): Promise<boolean>
  close(): Promise<void>
}

export async function openQueueBackend(
  { redis, queuePrefix }: Pick<StoreSettings, 'redis' | 'queuePrefix'>,
  databaseUrl: Secret<string>,
  log: Log,
): Promise<QueueBackend> {
  const telemetry = isTracing() ? new (await import('bullmq-otel')).BullMQOtel() : undefined
  const backend = await (redis ? openRedis(redis, log, queuePrefix) : openPostgres(databaseUrl, log, queuePrefix))
  return { ...backend, telemetry }
}

async function openRedis(settings: RedisSettings, log: Log, prefix: string): Promise<QueueBackend> {
  // BullMQ's choice of store is one per process.
  setDefaultBackendFactory()
  const [producer, worker] = [
    // A Redis that is connected and silent must not hold up the answer to a request that is committed already.
    redisConnection(settings, {
      enableOfflineQueue: false,
      maxRetriesPerRequest: null,
      commandTimeout: seconds(2),
      enableAutoPipelining: true,
    }),
    // What the jobs of one turn of the event loop say goes out as one write, which is most of what a command costs.
    redisConnection(settings, { maxRetriesPerRequest: null, enableAutoPipelining: true }),
  ]
  let lastFailure: Error | undefined
  for (const connection of [producer, worker])
    connection.on('error', (error: Error) => {
      lastFailure = error
      log.failure('redis.connection_failed', error)
    })
  const disconnect = () => {
    producer.disconnect()
    worker.disconnect()
  }
  try {
    await Promise.all([producer.connect(), worker.connect()])
    await refuseEviction(producer)
  } catch (error) {
    disconnect()
    // Of a connection that never came about the client says that it is closed, and why only to who listens.
    throw lastFailure ?? error
  }
  return {
    kind: 'redis',
    producerConnection: producer,
    workerConnection: worker,
    prefix: prefixFor(prefix, settings),
    isReachable: async () => (await producer.ping().catch(() => '')) === 'PONG',
    close: async () => disconnect(),
  }
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
  // Every queue and every worker listens to it: their number is ours and is no leak.
  pool.setMaxListeners(0)
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
