import { days, hours, minutes } from '#platform/clock/clock.js'
import { Secret } from '#platform/secrets/secret.js'
import { until } from '#platform/testing/until.js'
import { ENDED, hasEnded, OUTAGE, userCredentialsForTests } from './testing/user-credentials-for-tests.js'
import { UserCredential } from './user-credential.entity.js'
import type { UserCredentials } from './user-credentials.js'

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
  const { db, sql, clock, open, rowOf, keep, disconnect, held, acts } = userCredentialsForTests()
  let credentials: UserCredentials
  beforeAll(() => {
    credentials = open()
  })

  it('are kept sealed, and opened for whoever may refresh', async () => {
    expect(await keep()).toBe('kept')
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
    expect(await keep({ refreshToken: null })).toBe('no refresh token')
    await keep()
    expect(await keep({ refreshToken: null })).toBe('kept')
    expect(await held()).toBe('first')
    expect(await keep({ refreshToken: null, registrationId: 'another app' })).toBe('no refresh token')
    await credentials.refresh('acc_1', async () => Promise.reject(ENDED), hasEnded).catch(() => {})
    expect(await keep({ refreshToken: null })).toBe('no refresh token')
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
