import {
  createPostgresBackend,
  getDefaultBackendFactory,
  Queue,
  runMigrations,
  setDefaultBackendFactory,
  type Telemetry,
} from 'bullmq'
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
  queue(name: string): StoreQueue
  /** What those queues use. */
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
  try {
    return { ...backend, queue: await queuesOf(backend, telemetry), telemetry }
  } catch (error) {
    await backend.close()
    throw error
  }
}

/** On either store: what BullMQ calls a queue is one on Redis. */
export type StoreQueue = ReturnType<Awaited<ReturnType<typeof queuesOf>>>

type Store = Omit<QueueBackend, 'queue' | 'telemetry'>

/**
 * All of one that is ready before anybody rings. A queue that BullMQ opens by itself asks Redis first what it is, and keeps
 * for good what comes of it, also a failure (`initializing` of RedisConnection): a process whose first bell came while the
 * store was silent would never ring again.
 */
async function queuesOf({ producerConnection: connection, prefix }: Store, telemetry?: Telemetry) {
  const options = { connection, prefix, ...(telemetry && { telemetry }) }
  const opened = getDefaultBackendFactory()('producers', options)
  // The connection's own listener logs it.
  opened.on('error', () => {})
  await opened.waitUntilReady()
  return (name: string) => new Queue(name, options, () => opened.forQueue(name))
}

async function openRedis(settings: RedisSettings, log: Log, prefix: string): Promise<Store> {
  // BullMQ's choice of store is one per process.
  setDefaultBackendFactory()
  const [producer, worker] = [
    // A Redis that is connected and silent must not hold up the answer to a request that is committed already. No
    // auto-pipelining here: what is said meanwhile would wait for that to be given up before its own time began.
    redisConnection(settings, { enableOfflineQueue: false, maxRetriesPerRequest: null, commandTimeout: seconds(2) }),
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
    // What BullMQ duplicates of it for each worker tries until Redis is there; lazy, it would try once, and be dead for good.
    worker.options.lazyConnect = false
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

async function openPostgres(url: Secret<string>, log: Log, prefix: string): Promise<Store> {
  setDefaultBackendFactory(openWithoutAsking)
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

/**
 * BullMQ asks first whether its schema is there, which `openPostgres` has seen to, and keeps for good what comes of that, also a
 * failure (`readyPromise` of PostgresConnection). A worker that began while PostgreSQL was gone would be told of it for ever
 * without asking anew, and not even let the process do anything else in between.
 */
const openWithoutAsking: typeof createPostgresBackend = (...asked) => {
  const opened = createPostgresBackend(...asked)
  opened.connection.waitUntilReady = async () => {}
  return opened
}
