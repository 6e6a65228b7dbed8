import { days, hours, minutes } from '#platform/clock/clock.js'
import { defineStatement } from '#platform/database/statement.js'
import { ProviderError } from '#platform/errors/provider-error.js'
import { Log } from '#platform/observability/log.js'
import { CryptoRandom } from '#platform/secrets/random.js'
import { Secret } from '#platform/secrets/secret.js'
import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { HeldClock } from '#platform/testing/held-clock.js'
import { sealerForTests } from '#platform/testing/sealer-for-tests.js'
import { until } from '#platform/testing/until.js'
import { ProviderCredential } from './provider-credential.entity.js'
import { ProviderCredentials } from './provider-credentials.js'
import { UserCredential } from './user-credential.entity.js'
import { type SignedInUser, UserCredentials } from './user-credentials.js'

const ENDED = new ProviderError({
  provider: 'microsoft',
  key: 'grant.revoked',
  class: 'permanent',
  effect: 'mailbox',
  problem: 'Over.',
  fix: '',
})
const OUTAGE = new ProviderError({ ...ENDED.facts, key: 'provider.unavailable', class: 'retry' })
const hasEnded = (error: unknown) => error === ENDED

/** A provider that changes the refresh token with each use, and ends everything when one is used twice. */
class StrictProvider {
  #current: string
  calls = 0
  ended = false

  constructor(first: string) {
    this.#current = first
  }

  readonly ask = async (refreshToken: Secret<string>) => {
    this.calls += 1
    if (this.ended || refreshToken.reveal() !== this.#current) {
      this.ended = true
      throw ENDED
    }
    this.#current = `${this.#current}'`
    return { refreshToken: new Secret(this.#current) }
  }
}

describe('user credentials', () => {
  const db = databaseForTests([UserCredential, ProviderCredential])
  const sealer = sealerForTests()
  const clock = new HeldClock()
  const operator = new ProviderCredentials(clock, new CryptoRandom(), sealer)
  /** @param timeoutMs how long one call to a provider may take; a claim lasts three seconds longer */
  const open = (timeoutMs = 10_000) =>
    new UserCredentials(db.database, clock, new CryptoRandom(), sealer, operator, new Log('silent'), { timeoutMs })
  let credentials: UserCredentials
  beforeAll(() => {
    credentials = open()
  })

  const sql = <Row>(text: string, ...values: unknown[]): Promise<Row[]> =>
    db.database.run(defineStatement<Row>('', text), values)
  const rowOf = (id = 'acc_1') => db.database.read((em) => em.findOneOrFail(UserCredential, { id }))

  beforeEach(async () => {
    await sql('delete from user_credentials')
    for (const table of ['audit_arrivals', 'client_events', 'clients']) await sql(`delete from ${table}`)
    await sql('delete from accounts')
  })

  const signedIn = (changes: Partial<SignedInUser> = {}): SignedInUser => ({
    accountId: 'acc_1',
    clientId: 'cli_1',
    provider: 'microsoft',
    providerUserId: 'person',
    organisationId: 'tenant',
    registrationId: 'app',
    refreshToken: new Secret('first'),
    grantedScopes: ['Calendars.Read'],
    ...changes,
  })
  const keep = async (changes: Partial<SignedInUser> = {}) => {
    const one = signedIn(changes)
    await sql(
      `insert into accounts (id, client_id, provider, email, kind, provider_user_id, profile_id, created_at)
       values ($1, $2, $3, 'ada@acme.test', 'person', $1, 'pro', now()) on conflict do nothing`,
      ...[one.accountId, one.clientId, one.provider],
    )
    return db.database.inTransaction((tx) => credentials.keep(tx, one))
  }
  const disconnect = (id = 'acc_1') => db.database.inTransaction((tx) => credentials.disconnect(tx, id))
  const held = async (id = 'acc_1') => {
    let token: string | undefined
    await credentials.refresh(
      id,
      async (refreshToken) => {
        token = refreshToken.reveal()
        return { refreshToken: null }
      },
      hasEnded,
    )
    return token
  }
  const acts = () =>
    sql<{ act: string; reason: string | null; mailbox: string }>('select * from audit_arrivals order by id')

  it('are kept sealed, and opened for whoever may refresh', async () => {
    expect(await keep()).toBe(true)
    expect((await rowOf()).sealedRefreshToken).not.toContain('first')
    expect(await held()).toBe('first')
  })

  it('are replaced by a new sign-in, which also mends what required it', async () => {
    await keep()
    await expect(credentials.refresh('acc_1', async () => Promise.reject(ENDED), hasEnded)).rejects.toBe(ENDED)
    const { version } = await rowOf()
    await keep({ refreshToken: new Secret('second'), grantedScopes: ['Mail.Read'] })
    expect(await rowOf()).toMatchObject({
      requiresAuthenticationSince: null,
      lastCheckedError: null,
      grantedScopes: ['Mail.Read'],
      version: expect.not.stringMatching(version),
    })
    expect(await held()).toBe('second')
    expect(await db.database.read((em) => em.count(UserCredential))).toBe(1)
  })

  it('go on when a sign-in brings no refresh token, and only if they are good', async () => {
    expect(await keep({ refreshToken: null })).toBe(false)
    await keep()
    expect(await keep({ refreshToken: null })).toBe(true)
    expect(await held()).toBe('first')
    expect(await keep({ refreshToken: null, registrationId: 'another app' })).toBe(false)
    await credentials.refresh('acc_1', async () => Promise.reject(ENDED), hasEnded).catch(() => {})
    expect(await keep({ refreshToken: null })).toBe(false)
  })

  describe('when they are used', () => {
    it('hold the new refresh token before anybody has what came with it', async () => {
      await keep()
      const provider = new StrictProvider('first')
      for (let use = 0; use < 5; use++) await credentials.refresh('acc_1', provider.ask, hasEnded)
      expect(provider).toMatchObject({ calls: 5, ended: false })
      expect(await rowOf()).toMatchObject({ rotation: 5, claimedUntil: null })
    })

    it('are used by one at a time, in whatever process', async () => {
      await keep()
      const provider = new StrictProvider('first')
      const processes = [open(), open()]
      await Promise.all(
        Array.from({ length: 16 }, (_, n) => processes[n % 2]!.refresh('acc_1', provider.ask, hasEnded)),
      )
      expect(provider).toMatchObject({ calls: 16, ended: false })
    })

    it('note what is shown of an account: when, and that all is well', async () => {
      await keep()
      clock.advance(minutes(5))
      await held()
      const before = (await rowOf()).refreshTokenUpdatedAt
      expect(await rowOf()).toMatchObject({ accessTokenUpdatedAt: clock.now(), lastCheckedAt: clock.now() })
      expect(before).not.toEqual(clock.now())
      await credentials.refresh('acc_1', new StrictProvider('first').ask, hasEnded)
      expect((await rowOf()).refreshTokenUpdatedAt).toEqual(clock.now())
    })

    it('may be used again at once after a failure that says nothing about them', async () => {
      await keep()
      await expect(credentials.refresh('acc_1', async () => Promise.reject(OUTAGE), hasEnded)).rejects.toBe(OUTAGE)
      expect(await rowOf()).toMatchObject({
        requiresAuthenticationSince: null,
        lastCheckedError: 'provider.unavailable',
        claimedUntil: null,
      })
      expect(await held()).toBe('first')
      expect(await rowOf()).toMatchObject({ lastCheckedError: null })
      expect(await acts()).toEqual([])
    })

    it('require authentication since they ended; that is said once, on record and to the client', async () => {
      await sql(
        `insert into clients (id, name, redirect_uris, callback_origins, sealed_signing_secret, event_url, created_at)
         values ('cli_1', 'x', '{}', '{}', '', 'https://app.test/events', now())`,
      )
      await keep()
      const since = clock.now()
      for (let check = 0; check < 2; check++) {
        await expect(credentials.refresh('acc_1', async () => Promise.reject(ENDED), hasEnded)).rejects.toBe(ENDED)
        clock.advance(minutes(5))
      }
      expect(await rowOf()).toMatchObject({ requiresAuthenticationSince: since, lastCheckedError: 'grant.revoked' })
      expect(await acts()).toMatchObject([
        {
          act: 'account.checked',
          reason: 'grant.revoked',
          mailbox: 'ada@acme.test',
          subject: 'acc_1',
          client_id: 'cli_1',
        },
      ])
      await held()
      expect(await rowOf()).toMatchObject({ requiresAuthenticationSince: null })
      expect((await acts()).map(({ reason }) => reason)).toEqual(['grant.revoked', null])
      expect(await sql('select type, service_account_id, data from client_events order by created_at')).toMatchObject([
        { type: 'account.requires_authentication', data: { account_id: 'acc_1', reason: 'grant.revoked' } },
        { type: 'account.active', service_account_id: null, data: { account_id: 'acc_1', provider: 'microsoft' } },
      ])
    })
  })

  describe('are checked', () => {
    const due = () => credentials.claimChecks(10)
    const fail = (error: Error) =>
      credentials.refresh('acc_1', async () => Promise.reject(error), hasEnded).catch(() => {})

    it('when nobody has used them for six hours, by one process at a time', async () => {
      await keep()
      clock.advance(hours(5))
      expect(await due()).toEqual([])
      await held()
      clock.advance(hours(2))
      expect(await due()).toEqual([])
      clock.advance(hours(4))
      expect(await due()).toEqual(['acc_1'])
      expect(await due()).toEqual([])
      clock.advance(minutes(10))
      expect(await due()).toEqual(['acc_1'])
    })

    it('soon after their provider was down', async () => {
      await keep()
      await fail(OUTAGE)
      clock.advance(minutes(15))
      expect(await due()).toEqual(['acc_1'])
    })

    it('each day for a week after they have ended, and never when they are disconnected', async () => {
      await keep()
      let checks = 0
      for (await fail(ENDED); checks < 30; checks++, await fail(ENDED)) {
        clock.advance(days(1))
        if ((await due()).length === 0) break
      }
      expect(checks).toBe(7)
      await keep()
      await disconnect()
      clock.advance(days(1))
      expect(await due()).toEqual([])
    })
  })

  describe('when a process stops in the middle', () => {
    /** Uses the token and is never heard of again, as far as the others know. */
    const stall = async (timeoutMs: number) => {
      const answer = Promise.withResolvers<{ refreshToken: Secret<string> | null }>()
      const begun = Promise.withResolvers<void>()
      const done = open(timeoutMs).refresh(
        'acc_1',
        () => {
          begun.resolve()
          return answer.promise
        },
        hasEnded,
      )
      await begun.promise
      await sql(`update user_credentials set claimed_until = now()`)
      return { answer, done }
    }

    it('are somebody else’s once its claim has ended', async () => {
      await keep()
      const { answer, done } = await stall(1_000)
      expect(await held()).toBe('first')
      answer.resolve({ refreshToken: null })
      await done
    })

    it('lose nothing that it brings late', async () => {
      await keep()
      const { answer, done } = await stall(1_000)
      answer.resolve({ refreshToken: new Secret('late') })
      await done
      expect(await held()).toBe('late')
    })

    it('are not set back by what it brings when another has stored a newer one', async () => {
      await keep()
      const { answer, done } = await stall(1_000)
      await credentials.refresh('acc_1', async () => ({ refreshToken: new Secret('newer') }), hasEnded)
      answer.resolve({ refreshToken: new Secret('late') })
      await done
      expect(await held()).toBe('newer')
    })

    it('are not said to have ended because of a token that was replaced meanwhile: the new one is used', async () => {
      await keep()
      const used: string[] = []
      const done = credentials.refresh(
        'acc_1',
        async (refreshToken) => {
          used.push(refreshToken.reveal())
          if (used.length > 1) return { refreshToken: null }
          await keep({ refreshToken: new Secret('of a new sign-in') })
          throw ENDED
        },
        hasEnded,
      )
      expect(await done).not.toBeNull()
      expect(used).toEqual(['first', 'of a new sign-in'])
      expect(await rowOf()).toMatchObject({ requiresAuthenticationSince: null })
      expect(await acts()).toEqual([])
    })

    it('keep the claim of whoever came next', async () => {
      await keep()
      const first = await stall(1_000)
      const begun = Promise.withResolvers<void>()
      const answer = Promise.withResolvers<{ refreshToken: null }>()
      const hold = () => {
        begun.resolve()
        return answer.promise
      }
      const second = credentials.refresh('acc_1', hold, hasEnded)
      await begun.promise
      first.answer.resolve({ refreshToken: null })
      await first.done
      expect((await rowOf()).claimedUntil).not.toBeNull()
      answer.resolve({ refreshToken: null })
      await second
      expect((await rowOf()).claimedUntil).toBeNull()
    })
  })

  it('are stored before the process ends', async () => {
    await keep()
    const [begun, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<{ refreshToken: Secret<string> }>()]
    const ending = open()
    const refreshing = ending.refresh(
      'acc_1',
      () => {
        begun.resolve()
        return answer.promise
      },
      hasEnded,
    )
    await begun.promise
    const ended = ending.beforeApplicationShutdown()
    answer.resolve({ refreshToken: new Secret('second') })
    await ended
    expect(await rowOf()).toMatchObject({ rotation: 1 })
    await refreshing
  })

  it('store a new refresh token also when the database is away for a moment', async () => {
    await keep()
    const refused = { before: 0 }
    const failing = new Proxy(db.database, {
      get: (target, name) =>
        name === 'run'
          ? (statement: { name: string }, values: unknown[]) => {
              if (statement.name === 'store-refreshed-user-credential' && refused.before++ < 2)
                return Promise.reject(new Error('the database is away'))
              return target.run(statement as never, values)
            }
          : Reflect.get(target, name),
    })
    const there = new UserCredentials(failing, clock, new CryptoRandom(), sealer, operator, new Log('silent'), {
      timeoutMs: 10_000,
    })
    await there.refresh('acc_1', async () => ({ refreshToken: new Secret('second') }), hasEnded)
    expect(refused.before).toBe(3)
    expect(await held()).toBe('second')
  })

  describe('of an account that is disconnected', () => {
    it('act for nobody from then on', async () => {
      await keep()
      expect(await disconnect()).toBe(true)
      expect(await disconnect()).toBe(false)
      expect(await credentials.findConnection('acc_1')).toBeNull()
      expect(await credentials.refresh('acc_1', new StrictProvider('first').ask, hasEnded)).toBeNull()
    })

    const setUp = () =>
      db.database.inTransaction((tx) =>
        operator.set(tx, { provider: 'microsoft', clientId: null, credential: new Secret('the operator’s') }),
      )
    const takeBack = async (id = 'acc_1') => {
      const revoked: string[] = []
      const outcome = await credentials.takeBack(id, async (_, token) => void revoked.push(token.reveal()))
      return { outcome, revoked }
    }

    it('are taken back at the provider, and gone', async () => {
      await setUp()
      await keep()
      await disconnect()
      expect(await credentials.findToTakeBack(10)).toEqual(['acc_1'])
      expect(await takeBack()).toEqual({ outcome: 'taken back', revoked: ['first'] })
      expect(await sql('select id from user_credentials')).toEqual([])
      expect(await takeBack()).toEqual({ outcome: 'later', revoked: [] })
    })

    it('are not taken back while another account stands on the same consent', async () => {
      await setUp()
      await keep()
      await keep({ accountId: 'acc_2', clientId: 'cli_2' })
      await disconnect()
      expect(await takeBack()).toEqual({ outcome: 'left to another account', revoked: [] })
      await disconnect('acc_2')
      expect(await takeBack('acc_2')).toEqual({ outcome: 'taken back', revoked: ['first'] })
    })

    it('are taken back where the other account is disconnected, too, or has ended', async () => {
      await setUp()
      await keep()
      await keep({ accountId: 'acc_2', clientId: 'cli_2' })
      await disconnect()
      await disconnect('acc_2')
      expect(await takeBack()).toMatchObject({ outcome: 'taken back' })
      await keep()
      await keep({ accountId: 'acc_2', clientId: 'cli_2' })
      await credentials.refresh('acc_2', async () => Promise.reject(ENDED), hasEnded).catch(() => {})
      await disconnect()
      expect(await takeBack()).toMatchObject({ outcome: 'taken back' })
    })

    it('are not taken back once their owner has connected again', async () => {
      await setUp()
      await keep()
      await disconnect()
      await keep({ refreshToken: new Secret('second') })
      expect(await credentials.findToTakeBack(10)).toEqual([])
      expect(await takeBack()).toEqual({ outcome: 'later', revoked: [] })
      expect(await held()).toBe('second')
    })

    it('stay to be taken back when the provider is down, for three days', async () => {
      await setUp()
      await keep()
      await disconnect()
      const fail = () => credentials.takeBack('acc_1', async () => Promise.reject(OUTAGE))
      expect(await fail()).toBe('later')
      expect(await credentials.findToTakeBack(10)).toEqual([])
      await sql('update user_credentials set claimed_until = now()')
      expect(await takeBack()).toMatchObject({ outcome: 'taken back' })

      await keep()
      await disconnect()
      clock.advance(days(3) + 1)
      expect(await fail()).toBe('later')
      expect(await sql('select id from user_credentials')).toEqual([])
    })
  })

  it('are found together with what the operator has set up', async () => {
    await keep()
    const found = await credentials.findConnection('acc_1')
    expect(found).toMatchObject({
      ...{ accountId: 'acc_1', clientId: 'cli_1', provider: 'microsoft', registrationId: 'app' },
      ...{ grantedScopes: ['Calendars.Read'], requiresAuthentication: false },
    })
    await until(
      'a refresh by what was found',
      async () => (await found!.refresh(async () => ({ refreshToken: null }), hasEnded)) !== null,
    )
  })
})
