import { jest } from '@jest/globals'
import { AcceptPersonReturn } from '#features/end-user-oauth/accept-person-return.js'
import { ConnectAccount } from '#features/end-user-oauth/connect-account.js'
import type { ConnectScope } from '#features/end-user-oauth/dialects.js'
import { DisconnectAccount } from '#features/end-user-oauth/disconnect-account.js'
import { FindAccounts } from '#features/end-user-oauth/find-accounts.js'
import { FinishConnecting } from '#features/end-user-oauth/finish-connecting.js'
import { SECRETS_OF_SIGN_INS } from '#features/end-user-oauth/retained-sign-ins.js'
import { StartConnecting } from '#features/end-user-oauth/start-connecting.js'
import { armFailPoint } from '#platform/fail-points/fail-point.js'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { type ConnectClient, type ConnectStage, openConnectStage, PersonVisit } from './connect-stage.js'

const REDIRECT_URI = 'https://app.acme-scheduler.test/connected'
const ANNA = 'anna@acme.test'

describe('connecting an account', () => {
  const database = testDatabase()
  let stage: ConnectStage
  let client: ConnectClient
  let users = 0

  beforeAll(async () => {
    stage = await openConnectStage(database.url)
    client = await stage.addConnectClient('Acme Scheduler', REDIRECT_URI)
  })
  afterAll(() => stage.close())

  const part = <T>(type: abstract new (...args: never[]) => T) => stage.app.get<T>(type, { strict: false })
  const newUser = () => ({ clientId: client.id, userId: `user-${++users}` })
  type User = ReturnType<typeof newUser>

  interface Asked {
    scope?: ConnectScope[]
    dialect?: 'morgen' | 'socrate'
    redirectUri?: string | null
  }
  /** The browser is at our door again, with the provider's answer in its address. */
  const comeBack = async (user: User, { scope = ['calendars'], dialect = 'morgen', redirectUri }: Asked = {}) => {
    const asked = { dialect, ...user, provider: 'google', scope } as const
    const { url } = await part(StartConnecting).start({ ...asked, ...(redirectUri !== undefined && { redirectUri }) })
    return visit(url)
  }
  const visit = async (url: URL) => {
    const page = await new PersonVisit(url.searchParams.get('redirect_uri')!).connect(url.href, ANNA)
    return page.url
  }
  const accept = (back: URL) =>
    part(AcceptPersonReturn).accept(
      {
        ...{ provider: null, state: stateOf(back), code: back.searchParams.get('code') },
        ...{ error: null, errorDescription: null },
      },
      undefined,
    )
  /** @returns `error` of the answer, or null where all went well */
  const open = async (url: URL) => {
    const answer = await fetch(url, { redirect: 'manual' })
    return new URL(answer.headers.get('location')!).searchParams.get('error')
  }
  const stateOf = (url: URL) => url.searchParams.get('state')!
  const signInOf = async (url: URL) =>
    (await stage.sql('select step, sealed_attempt from sign_ins where id = $1', [stateOf(url).split('.')[0]]))[0]!
  const accountsOf = (user: User) => part(FindAccounts).find(user)
  /** What stands for this user: accounts that may be acted for, and grants. */
  const standing = async ({ clientId, userId }: User) =>
    (
      await stage.sql(
        `select count(distinct c.id)::int as accounts, count(distinct g.id)::int as grants
         from accounts a left join user_credentials c on c.id = a.id and c.disconnected_at is null
         left join grants g on g.account_id = a.id and g.revoked_at is null where a.client_id = $1 and a.user_id = $2`,
        [clientId, userId],
      )
    )[0]

  it('happens once when the browser comes back twice at once, and the provider is asked once', async () => {
    const user = newUser()
    const back = await comeBack(user)
    stage.sandbox.google.journal.clear()
    const ends = await Promise.all([open(back), open(back)])
    expect(ends.sort()).toEqual([null, 'state_used'].sort())
    expect(await standing(user)).toEqual({ accounts: 1, grants: 1 })
    expect(stage.sandbox.google.journal.list({ path: '/token' })).toHaveLength(1)
  })

  it('happens once when the client hands in its code twice at once', async () => {
    const user = newUser()
    const back = await comeBack(user, { dialect: 'socrate' })
    const answer = await fetch(back, { redirect: 'manual' })
    const { searchParams } = new URL(answer.headers.get('location')!)
    const handedIn = { state: searchParams.get('state')!, code: searchParams.get('code')! }
    expect(await standing(user)).toEqual({ accounts: 0, grants: 0 })
    const finish = () => part(FinishConnecting).finish(client.id, handedIn)
    const ends = await Promise.allSettled([finish(), finish()])
    const [refused, ...others] = ends.filter((end) => end.status === 'rejected')
    expect([refused?.reason.code, others.length]).toEqual(['state_used', 0])
    expect(await standing(user)).toEqual({ accounts: 1, grants: 1 })
  })

  it('loses nothing when it is connected for two things at once: one of the two is asked for again', async () => {
    const user = newUser()
    const backs = [await comeBack(user), await comeBack(user, { scope: ['mail'] })]
    // Both have looked for what they would lose before either has connected.
    const connectAccount = part(ConnectAccount)
    const look = connectAccount.scopesLost.bind(connectAccount)
    const { promise: bothHaveLooked, resolve: go } = Promise.withResolvers<void>()
    let looked = 0
    const held = jest.spyOn(connectAccount, 'scopesLost').mockImplementation(async (...asked) => {
      const lost = await look(...asked)
      if (++looked === 2) go()
      await bothHaveLooked
      return lost
    })
    const ends = await Promise.all(backs.map(open))
    held.mockRestore()
    expect(ends.sort()).toEqual([null, 'partial_consent'].sort())
    expect(await standing(user)).toEqual({ accounts: 1, grants: 1 })
  })

  it('can be tried again when the provider was down, under a new state and with no second account', async () => {
    const user = newUser()
    const back = await comeBack(user, { redirectUri: null })
    stage.sandbox.google.faults.add({ path: '/token', times: 1, reset: true })
    const end = await accept(back)
    if (end.kind !== 'stopped' || !end.again) throw new Error(`it could not be tried again: ${end.kind}`)
    expect(end.stop.stop).toBe('providerDown')
    await expect(accept(back)).rejects.toMatchObject({ stop: 'unknown' })
    expect(await standing(user)).toEqual({ accounts: 0, grants: 0 })
    expect(await accept(await visit(end.again))).toMatchObject({ kind: 'connected' })
    expect(await standing(user)).toEqual({ accounts: 1, grants: 1 })
  })

  it('sends nobody to an address that was taken away, or for a client that was switched off', async () => {
    const fleeting = await stage.addConnectClient('Fleeting', REDIRECT_URI)
    for (const change of [
      `redirect_uris = '{https://moved.test/}'`,
      `redirect_uris = '{${REDIRECT_URI}}', disabled_at = now()`,
    ]) {
      const user = { clientId: fleeting.id, userId: 'user-1' }
      const back = await comeBack(user)
      await stage.sql(`update clients set ${change} where id = $1`, [fleeting.id])
      const answer = await fetch(back, { redirect: 'manual' })
      expect([answer.status, answer.headers.get('location')]).toEqual([409, null])
      expect(await signInOf(back)).toEqual({ step: 'ended', sealed_attempt: null })
      expect(await standing(user)).toEqual({ accounts: 0, grants: 0 })
      await stage.sql(`update clients set redirect_uris = '{${REDIRECT_URI}}' where id = $1`, [fleeting.id])
    }
  })

  it('is on record as refused once, however often its address is opened after that', async () => {
    const user = newUser()
    const back = await comeBack(user)
    const [id] = stateOf(back).split('.')
    await stage.sql(`update sign_ins set expires_at = now() - interval '1 second' where id = $1`, [id])
    const answers = [await open(back), await open(back), await open(back)]
    expect(answers).toEqual(['expired', 'state_used', 'state_used'])
    expect(await signInOf(back)).toEqual({ step: 'ended', sealed_attempt: null })
    const acts = await stage.sql(
      `select reason from audit_arrivals where subject = $1 union all select reason from audit_events where subject = $1`,
      [id],
    )
    expect(acts).toEqual([{ reason: 'expired' }])
  })

  it('keeps nothing that may end with what is being taken back, and is asked for once more', async () => {
    const user = newUser()
    await open(await comeBack(user))
    const backs = [await comeBack(user, { redirectUri: null }), await comeBack(user, { dialect: 'socrate' })] as const
    const answer = await fetch(backs[1], { redirect: 'manual' })
    const { searchParams } = new URL(answer.headers.get('location')!)
    const handedIn = { state: searchParams.get('state')!, code: searchParams.get('code')! }
    const ofUser = `where id in (select id from accounts where client_id = $1 and user_id = $2)`
    const whose = [user.clientId, user.userId]
    await stage.sql(
      `update grants set revoked_at = now() where account_id in (select id from accounts ${ofUser})`,
      whose,
    )
    const claim = `disconnected_at = now(), claimed_until = now() + interval '10 seconds'`
    const theProviderIsBeingTold = () => stage.sql(`update user_credentials set ${claim} ${ofUser}`, whose)

    const finish = () => part(FinishConnecting).finish(client.id, handedIn)
    await theProviderIsBeingTold()
    await expect(finish()).rejects.toMatchObject({ code: 'being_disconnected' })
    expect(await signInOf(backs[1])).toEqual({ step: 'ended', sealed_attempt: null })
    await expect(finish()).rejects.toMatchObject({ code: 'not_found' })

    await theProviderIsBeingTold()
    const end = await accept(backs[0])
    if (end.kind !== 'stopped' || !end.again) throw new Error(`it could not be tried again: ${end.kind}`)
    expect(end.stop.code).toBe('being_disconnected')
    expect(await standing(user)).toEqual({ accounts: 0, grants: 0 })
    await stage.sql(`delete from user_credentials ${ofUser}`, whose)
    expect(await accept(await visit(end.again))).toMatchObject({ kind: 'connected' })
    expect(await standing(user)).toEqual({ accounts: 1, grants: 1 })
  })

  it('is whole or not there when it is disconnected at the same moment', async () => {
    const user = newUser()
    await open(await comeBack(user))
    for (let round = 0; round < 4; round++) {
      const back = await comeBack(user)
      const [account] = await accountsOf(user)
      const disconnect = () => part(DisconnectAccount).disconnect(user, { accountId: account!.id })
      const [reconnected, ended] = await Promise.allSettled([open(back), disconnect()])
      expect([reconnected, ended.status]).toEqual([{ status: 'fulfilled', value: null }, 'fulfilled'])
      const { accounts, grants } = (await standing(user)) as { accounts: number; grants: number }
      expect(grants).toBe(accounts)
      if (accounts === 0) await open(await comeBack(user))
    }
  })

  describe('by a process that dies', () => {
    const died = new Error('killed')
    beforeEach(() => {
      jest.spyOn(process, 'kill').mockImplementation(() => {
        throw died
      })
    })
    afterEach(() => {
      armFailPoint(null)
      jest.restoreAllMocks()
    })
    /** What is done until then has been committed, and nothing is done afterwards. */
    const dieAt = async (failPoint: string, back: URL) => {
      armFailPoint(failPoint)
      await expect(accept(back)).rejects.toBe(died)
    }

    it('before it asked the provider has connected nothing, and what the sign-in held goes when its time is over', async () => {
      const user = newUser()
      const back = await comeBack(user)
      await dieAt('accept-person-return.claimed', back)
      expect(await signInOf(back)).toEqual({ step: 'finishing', sealed_attempt: expect.any(String) })
      expect(await open(back)).toBe('state_used')
      expect(await accountsOf(user)).toEqual([])

      await stage.sql(`update sign_ins set expires_at = now() - interval '1 second' where user_id = $1`, [user.userId])
      await stage.sql(SECRETS_OF_SIGN_INS.statement.text, [new Date(), 100])
      expect(await signInOf(back)).toEqual({ step: 'finishing', sealed_attempt: null })
      expect(await open(back)).toBe('expired')

      await open(await comeBack(user))
      expect(await standing(user)).toEqual({ accounts: 1, grants: 1 })
    })

    it('after it had connected has connected, and says so to whoever comes back', async () => {
      const user = newUser()
      const back = await comeBack(user)
      await dieAt('accept-person-return.connected', back)
      expect(await signInOf(back)).toEqual({ step: 'connected', sealed_attempt: null })
      expect(await open(back)).toBe('state_used')
      expect(await standing(user)).toEqual({ accounts: 1, grants: 1 })
    })
  })
})
