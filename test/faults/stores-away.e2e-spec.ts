import { loadSettings } from '#platform/config/settings.js'
import { Log } from '#platform/observability/log.js'
import { openQueueBackend } from '#platform/queues/queue-backend.js'
import { Secret } from '#platform/secrets/secret.js'
import { redisForTests } from '#platform/testing/machine-for-tests.js'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { until } from '#platform/testing/until.js'
import { Stage } from '../e2e/stage.js'
import { OwnRedis } from './own-redis.js'

const withRedis = redisForTests() ? describe : describe.skip

withRedis('a Redis of the queue', () => {
  const { url } = testDatabase()

  it('that evicts keys is refused at the start, with what to do about it', async () => {
    const redis = await OwnRedis.start(['--maxmemory', '50mb', '--maxmemory-policy', 'allkeys-lru'])
    const stores = { redisUrl: new Secret(redis!.url), queuePrefix: 'mandate' }
    await expect(openQueueBackend(stores, url, new Log('silent'))).rejects.toThrow(
      /maxmemory-policy is allkeys-lru.*Set it to noeviction/,
    )
    await redis!.stop()
  })

  it('that says nothing delays what was accepted and neither refuses nor loses it, and health says so', async () => {
    const redis = (await OwnRedis.start())!
    const stage = await Stage.open(url, { settings: { REDIS_URL: redis.url } })
    try {
      const acme = await stage.api.authorise(await stage.api.addClient('Scheduler'), 'acme')
      const thawed = redis.freeze(6)
      const begun = Date.now()
      const [id] = await stage.ask(acme, { email: 'anna@acme.test', state: 'while frozen' })
      // Committed and answered while the bell hangs: far less than Redis takes to come back.
      expect(Date.now() - begun).toBeLessThan(5_500)
      expect((await stage.api.call('GET', '/health/live')).status).toBe(200)
      expect((await stage.api.call('GET', '/health/ready')).status).toBe(503)
      await thawed
      await until('health to be well again', async () => (await stage.api.call('GET', '/health/ready')).status === 200)
      expect((await stage.show(acme, id!)).status).toMatch(/pending|granted/)
    } finally {
      await stage.close()
      await redis.stop()
    }
  }, 60_000)
})

describe('MANDATE_FAIL_POINT', () => {
  it('is refused in production, and where it names no point', () => {
    const load = (more: Record<string, string>) => () => loadSettings('standalone', { ...more })
    expect(load({ MANDATE_FAIL_POINT: 'mint-access.decided', NODE_ENV: 'production' })).toThrow(
      /MANDATE_FAIL_POINT is refused in production/,
    )
    expect(load({ MANDATE_FAIL_POINT: 'everywhere' })).toThrow(/MANDATE_FAIL_POINT must be the name of a fail-point/)
    expect(load({ MANDATE_FAIL_POINT: 'mint-access.decided:3' })().failPoint).toBe('mint-access.decided:3')
  })
})
