import { randomUUID } from 'node:crypto'
import { jest } from '@jest/globals'
import { hours } from '#platform/clock/clock.js'
import { Log } from '#platform/observability/log.js'
import { openQueueBackend, type QueueBackend } from '#platform/queues/queue-backend.js'
import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { HeldClock } from '#platform/testing/held-clock.js'
import { redisForTests } from '#platform/testing/machine-for-tests.js'
import { redisAt } from '#platform/testing/redis-settings.js'
import type { Attempt } from './failure-limit.js'
import { PruneRateLimitsTimer } from './prune-rate-limits.timer.js'
import { RateLimits } from './rate-limits.js'

const redis = redisForTests()
const log = new Log('silent')
const LIMITS = { failedClients: 3, failedAdminKeys: 3, failedApiKeys: 3, authorizations: 3, providerTokens: 3 }
const attempt = (name: string): Attempt => ({ address: '198.51.100.7', name, secret: 'wrong' })
const tooMany = expect.objectContaining({ code: 'too_many_requests', status: 429, retryAfter: expect.any(Number) })

describe('rate limits', () => {
  const db = databaseForTests([])
  const opened: QueueBackend[] = []
  afterAll(() => Promise.all(opened.map((backend) => backend.close())))

  const redisBackend = async () => {
    const settings = { redis: redisAt(redis!.reveal()), queuePrefix: `limits-${randomUUID()}` }
    const backend = await openQueueBackend(settings, redis!, log)
    opened.push(backend)
    return backend
  }
  const none = { kind: 'postgres', prefix: 'mandate' } as QueueBackend

  const stores: [name: string, open: () => Promise<QueueBackend>][] = [['PostgreSQL', async () => none]]
  if (redis) stores.push(['Redis', redisBackend])

  it.each(stores)('are shared by all processes, in %s', async (_store, open) => {
    const backend = await open()
    const [one, other] = [
      new RateLimits(db.database, backend, LIMITS, log),
      new RateLimits(db.database, backend, LIMITS, log),
    ]
    for (const { failedClients } of [one, other, one]) await failedClients.failed(attempt('shared'))
    await expect(other.failedClients.failed(attempt('shared'))).rejects.toEqual(tooMany)
    for (const { failedClients } of [one, other]) expect(() => failedClients.admit(attempt('shared'))).toThrow(tooMany)
    expect(() => one.failedClients.admit(attempt('another'))).not.toThrow()
  })

  it('cost nothing for a caller who is held', async () => {
    const { failedClients } = new RateLimits(db.database, none, LIMITS, log)
    for (let i = 0; i < 3; i++) await failedClients.failed(attempt('held'))
    const before = await rows()
    for (let i = 0; i < 100; i++) expect(() => failedClients.admit(attempt('held'))).toThrow(tooMany)
    await expect(failedClients.failed(attempt('held'))).rejects.toEqual(tooMany)
    expect(await rows()).toEqual(before)
  })

  it('keep neither addresses nor names', async () => {
    await new RateLimits(db.database, none, LIMITS, log).failedClients.failed(attempt('cli_7'))
    expect(JSON.stringify(await rows())).not.toMatch(/198\.51|cli_7/)
  })

  it('go on in memory while the store is away', async () => {
    const away = { run: () => Promise.reject(new Error('connection refused')) } as unknown as typeof db.database
    const { authorizations } = new RateLimits(away, none, LIMITS, log)
    for (let i = 0; i < 3; i++) await authorizations.count('198.51.100.7')
    await expect(authorizations.count('198.51.100.7')).rejects.toEqual(tooMany)
  })

  it('are forgotten when their window is long over, however many there are', async () => {
    const clock = new HeldClock()
    const expired = clock.now().getTime() - hours(4)
    await run('truncate rate_limits')
    await run(`insert into rate_limits select 'old ' || n, 1, $1 from generate_series(1, 2500) n`, expired)
    await run(`insert into rate_limits values ('new', 1, $1)`, clock.now().getTime())
    const pass = (stopping: AbortSignal) => new PruneRateLimitsTimer(db.database, clock, none, log).pass(stopping)
    await pass(AbortSignal.abort())
    expect(await rows()).toHaveLength(2_501)
    await pass(new AbortController().signal)
    expect(await rows()).toEqual([expect.objectContaining({ key: 'new' })])
  })

  it('start no timer of their own, which would outlive the application', () => {
    const started = jest.spyOn(globalThis, 'setTimeout')
    new RateLimits(db.database, none, LIMITS, log)
    expect(started).not.toHaveBeenCalled()
    started.mockRestore()
  })

  const run = (text: string, ...values: unknown[]) => db.database.run({ name: '', text }, values)
  const rows = async () => db.database.run({ name: 'all', text: 'select * from rate_limits order by key' }, [])
})
