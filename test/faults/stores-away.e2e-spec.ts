import { Worker } from 'bullmq'
import { loadSettings } from '#platform/config/settings.js'
import { Log } from '#platform/observability/log.js'
import { Doorbell } from '#platform/queues/doorbell.js'
import { defineJob } from '#platform/queues/job.js'
import { openQueueBackend } from '#platform/queues/queue-backend.js'
import type { Secret } from '#platform/secrets/secret.js'
import { redisForTests } from '#platform/testing/machine-for-tests.js'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { redisAt } from '#platform/testing/redis-settings.js'
import { until } from '#platform/testing/until.js'
import { Stage } from '../e2e/stage.js'
import { Gate } from './gate.js'
import { OwnRedis } from './own-redis.js'

const withRedis = redisForTests() ? describe : describe.skip

withRedis('a Redis of the queue', () => {
  const { url } = testDatabase()

  it('that evicts keys is refused at the start, with what to do about it', async () => {
    const redis = await OwnRedis.start(['--maxmemory', '50mb', '--maxmemory-policy', 'allkeys-lru'])
    const stores = { redis: redisAt(redis!.url), queuePrefix: 'mandate' }
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
      const thawed = redis.freezeFor(6)
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

describe('when a store is away just as it is needed for the first time,', () => {
  const { url } = testDatabase()
  const log = new Log('silent')
  const job = defineJob<{ n: number }>({ name: 'work', id: ({ n }) => `work-${n}`, sharer: () => 'cli_1' })
  const whileRedis = redisForTests() ? it : it.skip

  async function ringsAfter(
    away: { begin(): unknown; end(): unknown },
    databaseUrl: Secret<string>,
    redisUrl?: string,
  ) {
    const stores = { redis: redisUrl ? redisAt(redisUrl) : null, queuePrefix: 'mandate' }
    const backend = await openQueueBackend(stores, databaseUrl, log)
    try {
      const doorbell = new Doorbell(backend, log)
      await away.begin()
      expect(await doorbell.ring(job, [{ n: 1 }])).toBe(false)
      await away.end()
      await until('a bell to be heard', () => doorbell.ring(job, [{ n: 2 }]), { timeoutMs: 30_000 })
    } finally {
      await backend.close()
    }
  }

  whileRedis(
    'a bell for a Redis that says nothing is given up, and the next is heard when it speaks again',
    async () => {
      const redis = (await OwnRedis.start())!
      try {
        await ringsAfter({ begin: () => redis.freeze(), end: () => redis.thaw() }, url, redis.url)
      } finally {
        await redis.stop()
      }
    },
  )

  whileRedis('a bell for a Redis that is gone is given up, and the next is heard when it is back', async () => {
    const redis = (await OwnRedis.start())!
    try {
      await ringsAfter({ begin: () => redis.stop(), end: () => redis.startServer() }, url, redis.url)
    } finally {
      await redis.stop()
    }
  })

  whileRedis('a worker that begins while Redis is gone works when it is back', async () => {
    const redis = (await OwnRedis.start())!
    const backend = await openQueueBackend({ redis: redisAt(redis.url), queuePrefix: 'mandate' }, url, log)
    try {
      await redis.stop()
      const done: string[] = []
      const { workerConnection: connection, prefix } = backend
      const worker = new Worker(job.name, async ({ id }) => void done.push(id!), { connection, prefix })
      const failures: Error[] = []
      worker.on('error', (error) => failures.push(error))
      await until('the worker to see that it is gone', () => failures.length > 0)
      await redis.startServer()
      await worker.waitUntilReady()
      const doorbell = new Doorbell(backend, log)
      await until('a bell to be heard', () => doorbell.ring(job, [{ n: 1 }]))
      await until('the work to be done', () => done.includes('work-1'), { timeoutMs: 30_000 })
      await worker.close()
    } finally {
      await backend.close()
      await redis.stop()
    }
  })

  it('a bell for a PostgreSQL that is gone is given up, and the next is heard when it is back', async () => {
    const gate = await Gate.before(url)
    try {
      await ringsAfter({ begin: () => gate.shut(), end: () => gate.open() }, gate.url)
    } finally {
      await gate.close()
    }
  })

  it('a worker that begins while PostgreSQL is gone works when it is back', async () => {
    const gate = await Gate.before(url)
    const backend = await openQueueBackend({ redis: null, queuePrefix: 'mandate' }, gate.url, log)
    try {
      gate.shut()
      const done: string[] = []
      const { workerConnection: connection, prefix } = backend
      const options = { connection, prefix, autorun: false }
      const worker = new Worker(job.name, async ({ id }) => void done.push(id!), options)
      // By hand: one that ran, and had kept its first failure, would let nothing else happen in this process.
      const ask = () => worker.getNextJob('asked by hand', { block: false })
      await expect(ask()).rejects.toThrow()
      gate.open()
      await ask()
      const working = worker.run()
      await new Doorbell(backend, log).ring(job, [{ n: 1 }])
      await until('the work to be done', () => done.includes('work-1'))
      await worker.close()
      await working
    } finally {
      await backend.close()
      await gate.close()
    }
  })
})

describe('a PostgreSQL that is away', () => {
  const { url } = testDatabase()

  // What libraries print is past the log, and past what that leaves out.
  const printed: unknown[] = []
  const { error: print } = console
  beforeAll(() => {
    console.error = (...line) => void printed.push(line)
  })
  afterAll(() => {
    console.error = print
  })

  it('is answered for with 503 and when to come back, on every kind of route, and what was refused works later', async () => {
    const gate = await Gate.before(url)
    const stage = await Stage.open(gate.url)
    const { api } = stage
    try {
      const client = await api.addClient('Scheduler')
      const acme = await api.authorise(client, 'acme')
      await stage.ask(acme, { email: 'anna@acme.test', state: 'before' })
      const { code } = await stage.told('before')
      const anna = (await api.exchange(client, code!, stage.callbackUrl)).json

      const mailbox = {
        email: 'ben@acme.test',
        callback_url: stage.callbackUrl,
        scope: 'read_only',
        state: 'meanwhile',
      }
      const headers = { 'idempotency-key': 'meanwhile' }
      const calls = {
        token: () => api.refresh(client, anna.refresh_token),
        revoke: () => api.revoke(client, { token: 'x'.repeat(32) }),
        accept: () =>
          api.call('POST', '/v1/service_account_authorizations', { token: acme.accessToken, headers, json: mailbox }),
        list: () => api.call('GET', '/v1/service_account_authorizations', { token: acme.accessToken }),
        userinfo: () => api.call('GET', '/v1/userinfo', { token: anna.access_token }),
        proxy: () =>
          api.call('GET', '/v1/proxy/google/calendar/v3/users/me/calendarList', { token: anna.access_token }),
        admin: () => api.asAdmin('GET', '/admin/v1/clients'),
      }
      const ready = async () => (await api.call('GET', '/health/ready')).status === 200

      gate.shut()
      for (const [name, call] of Object.entries(calls)) {
        const { status, headers, json } = await call()
        const told = { name, status, wait: Number(headers.get('retry-after')), error: json.error }
        expect(told).toEqual({
          name,
          status: 503,
          wait: expect.any(Number),
          error: expect.stringMatching(/unavailable/),
        })
        expect(told.wait).toBeGreaterThan(0)
      }
      expect((await api.call('GET', '/health/live')).status).toBe(200)
      expect(await ready()).toBe(false)

      gate.open()
      await until('health to be well again', ready)
      for (const [name, call] of Object.entries(calls))
        expect({ name, status: (await call()).status }).toEqual({ name, status: name === 'accept' ? 202 : 200 })
      expect((await stage.told('meanwhile')).code).toBeDefined()
      expect(stage.callbacksOf('meanwhile')).toHaveLength(1)
      expect(printed).toEqual([])
    } finally {
      gate.open()
      await stage.close()
      await gate.close()
    }
  })
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
