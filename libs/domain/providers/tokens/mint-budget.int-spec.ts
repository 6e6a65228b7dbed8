import { seconds } from '#platform/clock/clock.js'
import { defineStatement, type Statement } from '#platform/database/statement.js'
import { ProviderError } from '#platform/errors/provider-error.js'
import { Log } from '#platform/observability/log.js'
import { CryptoRandom } from '#platform/secrets/random.js'
import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { HeldClock } from '#platform/testing/held-clock.js'
import { sealerForTests } from '#platform/testing/sealer-for-tests.js'
import { until } from '#platform/testing/until.js'
import { googleError } from '../google/google-errors.js'
import { ProviderTokens } from './provider-tokens.js'
import type { MintedToken, WantedToken } from './wanted-token.js'

describe('the budget of a credential', () => {
  const opened: ProviderTokens[] = []
  const finishAll = () => Promise.all(opened.splice(0).map((tokens) => tokens.beforeApplicationShutdown()))
  afterAll(finishAll)
  const db = databaseForTests([])
  const sealer = sealerForTests()

  beforeEach(async () => {
    await finishAll()
    await sql('with forgotten as (delete from provider_tokens) delete from provider_budgets')
  })

  const sql = <Row>(text: string, ...values: unknown[]): Promise<Row[]> =>
    db.database.run(defineStatement<Row>('', text), values)

  /** One process. @param mintsPerSecond of which four fifths are for jobs */
  const open = (mintsPerSecond: number) => {
    const settings = { googleSandboxUrl: null, microsoftSandboxUrl: null, timeoutMs: 10_000, mintsPerSecond }
    const tokens = new ProviderTokens(
      db.database,
      sealer,
      new HeldClock(),
      new CryptoRandom(),
      new Log('silent'),
      settings,
    )
    opened.push(tokens)
    const ask = (wanted: Partial<WantedToken>) => tokens.use({ ...someone(), ...wanted }, async (token) => token)
    const mintAnew = (mint = async () => token) =>
      tokens.mintAnew({ provider: 'google', budget: '108', urgency: 'interactive', mint })
    return Object.assign(ask, { sweep: () => tokens.sweep(), mintAnew })
  }
  let people = 0
  const someone = (): WantedToken => ({
    provider: 'google',
    identity: [`user${++people}@acme.test`],
    budget: '108',
    urgency: 'bulk',
    mint: async () => token,
  })
  const token: MintedToken = { token: 'a token', lifetimeMs: seconds(3599) }
  const throttled = (retryAfter?: number) => async () =>
    Promise.reject(googleError('provider.throttled', { retryAfter }))
  const refusal = (asked: Promise<unknown>): Promise<ProviderError> =>
    asked.then(
      () => Promise.reject(new Error('was given')),
      (error) => error,
    )
  const secondsAway = ({ retry }: ProviderError) => (typeof retry === 'object' ? retry.after : retry)
  /** The lane for jobs takes nobody for so long. */
  const fill = (forMs: number) =>
    sql(`update provider_budgets set free_at = now() + ${forMs} * interval '1 ms' where lane like '% bulk'`)
  const rates = async () =>
    (await sql<{ rate: number }>('select rate from provider_budgets order by lane')).map(({ rate }) => rate)

  it('spaces the calls of all processes together', async () => {
    const processes = [open(200), open(200), open(200)]
    const begun: number[] = []
    const mint = async () => {
      begun.push(performance.now())
      return token
    }
    const start = performance.now()
    await Promise.all(Array.from({ length: 60 }, (_, n) => processes[n % 3]!({ mint })))
    const spacing = 1000 / 160
    // A timer may be a little early.
    const early = begun.filter((at, n) => at - start < n * spacing - 5)
    expect([begun.length, early]).toEqual([60, []])
  })

  it('sends away who would have to wait for more than three seconds, each with a time of its own', async () => {
    const ask = open(10)
    await ask({})
    await fill(20_000)
    const refusals = await Promise.all(Array.from({ length: 24 }, () => refusal(ask({}))))
    expect(new Set(refusals.map(({ code, facts }) => `${code} ${facts.class}`))).toEqual(
      new Set(['provider.throttled retry']),
    )
    const times = refusals.map(secondsAway) as number[]
    expect(Math.min(...times)).toBeGreaterThanOrEqual(19)
    // 24 of them at 8 a second.
    expect(Math.max(...times) - Math.min(...times)).toBeGreaterThanOrEqual(2)
  })

  it('keeps a lane for people, whatever the jobs have taken', async () => {
    const ask = open(10)
    await ask({})
    await fill(20_000)
    expect(secondsAway(await refusal(ask({})))).toBeGreaterThanOrEqual(19)
    expect(await ask({ urgency: 'interactive' })).toBe('a token')
  })

  it('is forgotten when nobody has asked for ten minutes, and not while it is held down', async () => {
    const ask = open(10)
    await ask({})
    await ask({ budget: 'closed until later' })
    await sql(
      `update provider_budgets set free_at = now() - interval '11 min', rising_since = now() - interval '9 min'`,
    )
    expect(await ask.sweep()).toBe(0)
    await sql(`update provider_budgets set rising_since = now() - interval '11 min' where lane like '% 108 %'`)
    expect(await ask.sweep()).toBe(1)
    expect(await sql('select lane from provider_budgets')).toEqual([{ lane: 'google closed until later bulk' }])
  })

  it('is drawn on by live checks too, which mint past all that is kept', async () => {
    const [ask, elsewhere] = [open(50), open(50)]
    const start = performance.now()
    const minted = await Promise.all(Array.from({ length: 11 }, (_, n) => (n % 2 ? ask : elsewhere).mintAnew()))
    expect(minted).toEqual(Array(11).fill(token))
    // The last of eleven at ten a second.
    expect(performance.now() - start).toBeGreaterThan(995)
    expect(await sql('select id from provider_tokens')).toEqual([])
    await sql(`update provider_budgets set free_at = now() + interval '20 s'`)
    expect(secondsAway(await refusal(ask.mintAnew()))).toBeGreaterThanOrEqual(19)
  })

  it('is halved by a 429 to a live check', async () => {
    const ask = open(50)
    await ask.mintAnew()
    expect((await refusal(ask.mintAnew(throttled(60)))).code).toBe('provider.throttled')
    await finishAll()
    expect(await rates()).toEqual([20, 5])
  })

  it('is another one for another credential', async () => {
    const ask = open(10)
    await ask({})
    await fill(20_000)
    expect(await ask({ budget: 'of another project' })).toBe('a token')
  })

  it('is halved by a 429, once for all calls that were under way, and closed in every process until the time it named', async () => {
    const [ask, elsewhere] = [open(100), open(100)]
    await Promise.all([ask({}), ask({ urgency: 'interactive' })])
    expect(await rates()).toEqual([80, 20])

    let underWay = 0
    const answered = Promise.withResolvers<void>()
    const mint = async () => {
      underWay += 1
      await answered.promise
      return throttled(60)()
    }
    const refused = Promise.all(Array.from({ length: 8 }, () => refusal(ask({ mint }))))
    await until('all to be under way', () => underWay === 8)
    answered.resolve()
    const refusals = await refused
    await finishAll()

    expect(refusals.map(({ code }) => code)).toEqual(Array(8).fill('provider.throttled'))
    expect(await rates()).toEqual([40, 10])
    for (const urgency of ['bulk', 'interactive'] as const) {
      const wait = secondsAway(await refusal(elsewhere({ urgency })))
      expect(wait).toBeGreaterThanOrEqual(55)
      expect(wait).toBeLessThanOrEqual(67)
    }
  })

  it('makes who has a place but has not called yet turn back, too', async () => {
    const ask = open(10)
    let calls = 0
    const mint = async () => {
      calls += 1
      return throttled(30)()
    }
    const refusals = await Promise.all([refusal(ask({ mint })), refusal(ask({ mint })), refusal(ask({ mint }))])
    expect([refusals.map(({ code }) => code), calls]).toEqual([Array(3).fill('provider.throttled'), 1])
  })

  it('comes back slowly, and never above what is allowed', async () => {
    const ask = open(100)
    await refusal(ask({ mint: throttled() }))
    await finishAll()
    const spacing = async (secondsSince: number) => {
      await sql(`update provider_budgets set free_at = now(), rising_since = now() - ${secondsSince} * interval '1 s'`)
      await open(100)({})
      const [lane] = await sql<{ ms: number }>(
        `select (extract(epoch from spacing) * 1000)::float8 as ms from provider_budgets where lane like '% bulk'`,
      )
      return lane!.ms
    }
    expect(await spacing(0)).toBeGreaterThan(1000 / 41)
    expect(await spacing(30)).toBeCloseTo(1000 / 60, 0)
    expect(await spacing(3600)).toBeCloseTo(1000 / 80, 3)
  })

  it('is not touched by what else a provider says, and a refused mint is not paid for twice', async () => {
    const ask = open(100)
    for (const code of ['provider.unavailable', 'google.subject_not_found'] as const)
      expect((await refusal(ask({ mint: () => Promise.reject(googleError(code)) }))).code).toBe(code)
    await finishAll()
    expect(await rates()).toEqual([80])
  })

  it('costs one statement for 64 claims and one for 64 results', async () => {
    const statements: string[] = []
    const counted = Object.create(db.database, {
      run: {
        value: (statement: Statement<unknown>, values: unknown[]) => {
          statements.push(statement.name)
          return db.database.run(statement, values)
        },
      },
    })
    const settings = { googleSandboxUrl: null, microsoftSandboxUrl: null, timeoutMs: 10_000, mintsPerSecond: 100_000 }
    const tokens = new ProviderTokens(counted, sealer, new HeldClock(), new CryptoRandom(), new Log('silent'), settings)
    await Promise.all(Array.from({ length: 64 }, () => tokens.use(someone(), async () => {})))
    await tokens.beforeApplicationShutdown()
    expect(statements.filter((name) => name.startsWith('claim'))).toHaveLength(1)
    // A result may miss the first boat where its place came later.
    expect(statements.length).toBeLessThanOrEqual(4)
  })
})
