import { days } from '#platform/clock/clock.js'
import { Secret } from '#platform/secrets/secret.js'
import { until } from '#platform/testing/until.js'
import { ENDED, hasEnded, OUTAGE, userCredentialsForTests } from './testing/user-credentials-for-tests.js'
import type { UserCredentials } from './user-credentials.js'

describe('the credentials of an account that is disconnected', () => {
  const { db, sql, clock, operator, open, disconnected, signedIn, keep, disconnect, held } = userCredentialsForTests()
  let credentials: UserCredentials
  beforeAll(() => {
    credentials = open()
  })

  it('act for nobody from then on', async () => {
    await keep()
    expect(await disconnect()).toBe(true)
    expect(await disconnect()).toBe(false)
    expect(await credentials.findConnection('acc_1')).toBeNull()
    expect(await credentials.refresh('acc_1', async () => ({ refreshToken: null }), hasEnded)).toBeNull()
  })

  const setUp = () =>
    db.database.inTransaction((tx) =>
      operator.set(tx, { provider: 'microsoft', clientId: null, credential: new Secret('the operator’s') }),
    )
  const takeBack = async (id = 'acc_1') => {
    const revoked: string[] = []
    const outcome = await disconnected().takeBack(id, async (_, token) => void revoked.push(token.reveal()))
    return { outcome, revoked }
  }

  it('are taken back at the provider, and gone', async () => {
    await setUp()
    await keep()
    await disconnect()
    expect(await disconnected().findToTakeBack(10)).toEqual(['acc_1'])
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
    expect(await disconnected().findToTakeBack(10)).toEqual([])
    expect(await takeBack()).toEqual({ outcome: 'later', revoked: [] })
    expect(await held()).toBe('second')
  })

  describe('while they are taken back', () => {
    /** What Google does with a revocation: it ends all that this person has allowed this registration. */
    const takeBackWhile = (meanwhile: () => Promise<unknown>) =>
      disconnected().takeBack('acc_1', async () => void (await meanwhile()))

    it.each([
      ['the same account', 'acc_1'],
      ['another account on the same consent', 'acc_2'],
    ])('keep nothing of what is signed in to again meanwhile: %s', async (_what, accountId) => {
      await setUp()
      await keep()
      await disconnect()
      let kept: unknown
      expect(await takeBackWhile(async () => (kept = await keep({ accountId })))).toBe('taken back')
      expect(kept).toBe('being taken back')
      expect(await sql('select id from user_credentials')).toEqual([])
      expect(await keep({ accountId, refreshToken: new Secret('second') })).toBe('kept')
      expect(await held(accountId)).toBe('second')
    })

    it('do not keep others from connecting: another person, or the same one elsewhere', async () => {
      await setUp()
      await keep()
      await disconnect()
      const others = [{ providerUserId: 'another' }, { registrationId: 'elsewhere' }, { provider: 'google' as const }]
      const keepAll = async () => {
        for (const [i, other] of others.entries())
          expect(await keep({ accountId: `acc_${i + 2}`, ...other })).toBe('kept')
      }
      expect(await takeBackWhile(keepAll)).toBe('taken back')
    })

    it('are left alone by a claim that waited for somebody who connects on the same consent', async () => {
      await setUp()
      await keep()
      await disconnect()
      await keep({ accountId: 'acc_2', clientId: 'cli_2' })
      await disconnect('acc_2')
      const taken = await db.database.inTransaction(async (tx) => {
        expect(await credentials.keep(tx, signedIn({ accountId: 'acc_2', clientId: 'cli_2' }))).toBe('kept')
        const taking = takeBack()
        await until('it to wait for that', async () => {
          const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
          return (await sql(waiting)).length > 0
        })
        return { taking }
      })
      expect(await taken.taking).toEqual({ outcome: 'left to another account', revoked: [] })
    })

    it('are not taken for that when the provider was down, and is asked again in minutes', async () => {
      await setUp()
      await keep()
      await disconnect()
      await disconnected().takeBack('acc_1', async () => Promise.reject(OUTAGE))
      expect(await keep({ refreshToken: new Secret('second') })).toBe('kept')
    })
  })

  it('stay to be taken back when the provider is down, for three days', async () => {
    await setUp()
    await keep()
    await disconnect()
    const fail = () => disconnected().takeBack('acc_1', async () => Promise.reject(OUTAGE))
    expect(await fail()).toBe('later')
    expect(await disconnected().findToTakeBack(10)).toEqual([])
    await sql('update user_credentials set claimed_until = now()')
    expect(await takeBack()).toMatchObject({ outcome: 'taken back' })

    await keep()
    await disconnect()
    clock.advance(days(3) + 1)
    expect(await fail()).toBe('later')
    expect(await sql('select id from user_credentials')).toEqual([])
  })
})
