import { Inject, Injectable } from '@nestjs/common'
import {
  type RateLimiterAbstract,
  RateLimiterMemory,
  RateLimiterPostgres,
  RateLimiterRedis,
} from 'rate-limiter-flexible'
import type { RateLimitSettings } from '#platform/config/settings.js'
import { RATE_LIMIT_SETTINGS } from '#platform/config/tokens.js'
import { Database } from '#platform/database/database.js'
import { Log } from '#platform/observability/log.js'
import { QUEUE_BACKEND, type QueueBackend } from '#platform/queues/queue-backend.js'
import type { RedisConnection } from '#platform/queues/redis-connections.js'
import { FailureLimit } from './failure-limit.js'
import { RateLimit } from './rate-limit.js'
import { RATE_LIMIT_REFUSALS } from './rate-limit.metrics.js'

const WINDOW_SECONDS = 60
/** More often than a person would look, whoever asks. */
const DIAGNOSES = 20
/** More often than one person would begin one, also where a client calls several of them by one name. */
const SIGN_INS = 60
/** Behind one address there may be several clients. */
const NAMES_PER_ADDRESS = 10

/** Every limit there is, counted in Redis where there is one, otherwise in PostgreSQL. Ordinary calls count nowhere. */
@Injectable()
export class RateLimits {
  readonly failedClients: FailureLimit
  readonly failedAdminKeys: FailureLimit
  readonly failedApiKeys: FailureLimit
  readonly authorizations: RateLimit
  /** By account: each is a call to the provider and a row in the audit. */
  readonly providerTokens: RateLimit
  /** By user of a client: each is a row that stays for weeks. */
  readonly signIns: RateLimit
  /** By service account: each is some ten calls to the provider. */
  readonly diagnoses: RateLimit

  constructor(
    database: Database,
    @Inject(QUEUE_BACKEND) queues: QueueBackend,
    @Inject(RATE_LIMIT_SETTINGS) perMinute: RateLimitSettings,
    log: Log,
  ) {
    const limit = (name: string, points: number) =>
      new RateLimit(
        counterIn(database, queues, name, points),
        () => log.warn('rate_limit.reached', { limit: name }),
        () => RATE_LIMIT_REFUSALS.count({ limit: name }),
      )
    const failures = (name: string, points: number) =>
      new FailureLimit(limit(name, points), limit(`${name}-address`, points * NAMES_PER_ADDRESS))
    this.failedClients = failures('client', perMinute.failedClients)
    this.failedAdminKeys = failures('admin', perMinute.failedAdminKeys)
    this.failedApiKeys = failures('api-key', perMinute.failedApiKeys)
    this.authorizations = limit('authorize', perMinute.authorizations)
    this.providerTokens = limit('provider-token', perMinute.providerTokens)
    this.signIns = limit('sign-in', SIGN_INS)
    this.diagnoses = limit('diagnosis', DIAGNOSES)
  }
}

function counterIn(database: Database, queues: QueueBackend, name: string, points: number): RateLimiterAbstract {
  const keyPrefix = `${queues.prefix}:limit:${name}`
  const options = { keyPrefix, points, duration: WINDOW_SECONDS }
  // While the store is away each process counts for itself: better than none, and better than turning everybody away.
  const insuranceLimiter = new RateLimiterMemory(options)
  if (queues.kind === 'redis') {
    const storeClient = queues.producerConnection as RedisConnection
    return new RateLimiterRedis({ ...options, insuranceLimiter, storeClient, rejectIfRedisNotReady: true })
  }
  return new RateLimiterPostgres({
    ...options,
    insuranceLimiter,
    storeClient: clientOf(database),
    storeType: 'client',
    tableName: 'rate_limits',
    tableCreated: true,
    // `PruneRateLimitsTimer` does; the library's own timer would outlive the application.
    clearExpiredByTimeout: false,
  })
}

/** The one thing that the library does with a connection. */
const clientOf = (database: Database) => ({
  query: async ({ name, text, values }: { name: string; text: string; values: unknown[] }) => {
    const rows = await database.run({ name, text }, values)
    return { rows, rowCount: rows.length }
  },
})
