import { minutes, seconds } from '#platform/clock/clock.js'
import { defineStatement } from '#platform/database/statement.js'
import { Log } from '#platform/observability/log.js'
import { CryptoRandom } from '#platform/secrets/random.js'
import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { HeldClock } from '#platform/testing/held-clock.js'
import { sealerForTests } from '#platform/testing/sealer-for-tests.js'
import { until } from '#platform/testing/until.js'
import { googleError } from '../google/google-errors.js'
import { ProviderTokens } from './provider-tokens.js'
import type { MintedToken, WantedToken } from './wanted-token.js'

describe('provider tokens, in several processes over one table,', () => {
  const opened: ProviderTokens[] = []
  const finishAll = () => Promise.all(opened.splice(0).map((tokens) => tokens.beforeApplicationShutdown()))
  afterAll(finishAll)
  const db = databaseForTests([])
  const sealer = sealerForTests()
  let minted: number

  beforeEach(async () => {
    await finishAll()
    await sql('with forgotten as (delete from provider_tokens) delete from provider_budgets')
    minted = 0
  })

  const sql = <Row>(text: string, ...values: unknown[]): Promise<Row[]> =>
    db.database.run(defineStatement<Row>('', text), values)

  /** One process: a memory of its own, which passes time only when it is told to. */
  const open = ({ sealedBy = sealer, mintsPerSecond = 100_000 } = {}) => {
    const clock = new HeldClock()
    const settings = { googleSandboxUrl: null, microsoftSandboxUrl: null, timeoutMs: 10_000, mintsPerSecond }
    const tokens = new ProviderTokens(db.database, sealedBy, clock, new CryptoRandom(), new Log('silent'), settings)
    opened.push(tokens)
    return { clock, tokens, get: (wanted = anna) => tokens.use(wanted, async (token) => token) }
  }

  const mint = async (): Promise<MintedToken> => {
    minted += 1
    return { token: `token ${minted}`, lifetimeMs: seconds(3599) }
  }
  const anna: WantedToken = {
    provider: 'google',
    identity: ['C01', 'ver_1', 'anna@acme.test', 'calendar.readonly'],
    budget: '108',
    urgency: 'bulk',
    mint,
  }
  const living = (lifetimeMs: number) => ({ ...anna, mint: async () => ({ ...(await mint()), lifetimeMs }) })

  /** A mint that answers when the test says so. */
  const heldMint = () => {
    const { promise, resolve, reject } = Promise.withResolvers<MintedToken>()
    let begun = false
    const begin = () => {
      begun = true
      return promise
    }
    return {
      wanted: { ...anna, mint: begin },
      begun: () => until('the mint to begin', () => begun),
      answer: (token: string) => resolve({ token, lifetimeMs: seconds(3599) }),
      refuse: reject,
    }
  }

  const stored = () =>
    until('the row', async () => (await sql('select from provider_tokens where sealed_token is not null')).length > 0)
  const ended = (column: 'claimed_until' | 'usable_until' | 'renew_at' | 'kept_until' | 'dropped_at') =>
    sql(`update provider_tokens set ${column} = now() - interval '1 hour'`)
  const codeOf = (asked: Promise<unknown>) =>
    asked.then(
      () => null,
      (error) => error.code,
    )

  describe('while one is minted:', () => {
    it('one call is made for all who ask at the same time, wherever they are', async () => {
      const processes = [open(), open(), open()]
      const asked = await Promise.all(Array.from({ length: 64 }, (_, n) => processes[n % 3]!.get()))
      expect(new Set(asked)).toEqual(new Set(['token 1']))
      expect(minted).toBe(1)
    })

    it('others wait for it as long as it takes, and mint when it is refused', async () => {
      const [first, second] = [open(), open()]
      const slow = heldMint()
      const refused = codeOf(first.get(slow.wanted))
      await slow.begun()
      const waiting = second.get()
      expect(minted).toBe(0)
      slow.refuse(googleError('google.subject_not_found'))
      expect([await refused, await waiting]).toEqual(['google.subject_not_found', 'token 1'])
    })

    it('a holder that died is succeeded when its claim has ended', async () => {
      const slow = heldMint()
      void open().get(slow.wanted)
      await slow.begun()
      const waiting = open().get()
      await ended('claimed_until')
      expect(await waiting).toBe('token 1')
      slow.answer('too late')
    })

    it('a holder that wakes after its claim has ended overwrites nothing, and keeps nothing', async () => {
      const [sleeper, successor] = [open(), open()]
      const slow = heldMint()
      const asleep = sleeper.get(slow.wanted)
      await slow.begun()
      await ended('claimed_until')
      expect(await successor.get()).toBe('token 1')
      await stored()
      slow.answer('token of the sleeper')
      expect(await asleep).toBe('token of the sleeper')
      await finishAll()
      expect([await open().get(), await sleeper.get(), minted]).toEqual(['token 1', 'token 1', 1])
    })
  })

  describe('once it is there:', () => {
    it('a process that starts later mints nothing', async () => {
      await open().get()
      await stored()
      expect([await open().get(), minted]).toEqual(['token 1', 1])
    })

    it('every part of its identity makes another one', async () => {
      const { get } = open()
      const others = anna.identity.map((_, at) => ({ ...anna, identity: anna.identity.with(at, 'another') }))
      const tokens = [await get(), await get({ ...anna, provider: 'microsoft' })]
      for (const other of others) tokens.push(await get(other))
      expect(new Set(tokens).size).toBe(6)
    })

    it('nothing is handed out in the last five minutes of its life, from memory or from the table', async () => {
      const { clock, get } = open()
      await get()
      await stored()
      clock.advance(minutes(40))
      expect(await get()).toBe('token 1')
      clock.advance(minutes(15))
      await ended('usable_until')
      await ended('renew_at')
      expect(await get()).toBe('token 2')
    })

    it('what lives for five minutes or less is used and not kept', async () => {
      const { get } = open()
      expect([await get(living(minutes(5))), await get(living(0)), minted]).toEqual(['token 1', 'token 2', 2])
    })

    it('it is renewed before its time while it goes on being used, once among all processes', async () => {
      const processes = [open(), open(), open()]
      for (const { get } of processes) await get()
      await stored()
      await ended('renew_at')
      for (const { clock } of processes) clock.advance(minutes(53))
      expect(await Promise.all(processes.map(({ get }) => get()))).toEqual(['token 1', 'token 1', 'token 1'])
      await finishAll()
      expect([minted, await open().get()]).toEqual([2, 'token 2'])
    })

    it('a renewal that fails changes nothing', async () => {
      const { clock, get } = open()
      await get()
      await stored()
      await ended('renew_at')
      clock.advance(minutes(53))
      const refused = async () => Promise.reject(googleError('provider.unavailable'))
      expect(await get({ ...anna, mint: refused })).toBe('token 1')
      await finishAll()
      expect(await open().get()).toBe('token 1')
    })

    it('its time of renewal differs from token to token', async () => {
      const { get } = open()
      await Promise.all(Array.from({ length: 50 }, (_, n) => get({ ...anna, identity: [`${n}`] })))
      await finishAll()
      const [spread] = await sql<{ from: number; to: number; times: number }>(
        `select extract(epoch from min(usable_until - renew_at))::int as to, count(distinct renew_at - usable_until)::int as times,
           extract(epoch from max(usable_until - renew_at))::int as from from provider_tokens`,
      )
      expect(spread!.from).toBeLessThanOrEqual(55 * 60 * 0.25)
      expect(spread!.to).toBeGreaterThan(55 * 60 * 0.05 - 5)
      expect(spread!.times).toBeGreaterThan(20)
    })

    it('rows past use are swept away, and no others', async () => {
      const { get, tokens } = open()
      await get()
      await stored()
      expect(await tokens.sweep()).toBe(0)
      await ended('kept_until')
      expect([await tokens.sweep(), await tokens.sweep()]).toEqual([1, 0])
    })
  })

  describe('when the provider rejects one:', () => {
    const rejecting =
      (bad: string[], seen: string[] = []) =>
      async (token: string) => {
        seen.push(token)
        if (bad.includes(token)) throw googleError('provider.token_rejected')
        return token
      }

    it('each process drops it once, and one of them mints the next', async () => {
      const processes = [open(), open(), open()]
      for (const { get } of processes) await get()
      const used = processes.map(({ tokens }) => tokens.use(anna, rejecting(['token 1'])))
      expect(await Promise.all(used)).toEqual(['token 2', 'token 2', 'token 2'])
      expect(minted).toBe(2)
    })

    it('a second rejection is believed, and another token is not asked for with every call', async () => {
      const { tokens } = open()
      const reject = rejecting(['token 1', 'token 2', 'token 3', 'token 4'])
      for (let call = 0; call < 5; call++)
        expect(await codeOf(tokens.use(anna, reject))).toBe('provider.token_rejected')
      expect(minted).toBe(3)
      await finishAll()
      await ended('dropped_at')
      expect(await codeOf(open().tokens.use(anna, reject))).toBe('provider.token_rejected')
      expect(minted).toBe(4)
    })

    it('every other refusal is believed at once', async () => {
      const { tokens } = open()
      const call = () => Promise.reject(googleError('google.not_found'))
      expect([await codeOf(tokens.use(anna, call)), minted]).toEqual(['google.not_found', 1])
    })

    it('a newer one is not thrown away for it', async () => {
      const { tokens } = open()
      const { promise, reject } = Promise.withResolvers<string>()
      const slow = tokens.use(anna, (token) => (token === 'token 1' ? promise : Promise.resolve(token)))
      expect(await tokens.use(anna, rejecting(['token 1']))).toBe('token 2')
      reject(googleError('provider.token_rejected'))
      expect([await slow, minted]).toEqual(['token 2', 2])
    })
  })

  describe('at rest:', () => {
    it('neither the token nor whose it is can be read', async () => {
      await open().get()
      await stored()
      const rows = JSON.stringify([
        await sql('select * from provider_tokens'),
        await sql('select * from provider_budgets'),
      ])
      expect(rows).not.toMatch(/token 1|anna|acme|readonly|ver_1/)
    })

    it('one that is sealed with another key, or was put in another place, is minted again', async () => {
      const { get } = open()
      const ben = { ...anna, identity: ['C01', 'ver_1', 'ben@acme.test', 'calendar.readonly'] }
      expect([await get(), await get(ben)]).toEqual(['token 1', 'token 2'])
      await finishAll()
      await sql(`update provider_tokens t set sealed_token = o.sealed_token from provider_tokens o where o.id <> t.id`)
      expect([await open().get(), await open().get(ben)]).toEqual(['token 3', 'token 4'])
      await finishAll()
      expect(await open({ sealedBy: sealerForTests() }).get()).toBe('token 5')
    })

    it('the write-ahead log and with it every replica and base backup hold none', async () => {
      const kinds = await sql(
        `select relpersistence from pg_class where relname in ('provider_tokens', 'provider_budgets')`,
      )
      expect(kinds).toEqual([{ relpersistence: 'u' }, { relpersistence: 'u' }])
    })
  })
})
