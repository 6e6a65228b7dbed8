import { randomBytes } from 'node:crypto'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { mandateJson } from './cli-process.js'
import type { Client, PublicApi, ServiceAccount } from './public-api.js'
import { Stage } from './stage.js'

interface Tokens {
  access_token: string
  refresh_token: string
  sub: string
}

describe('POST /oauth/token/revoke', () => {
  const { url: databaseUrl } = testDatabase()
  const settings = { MANDATE_ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64')}` }
  let stage: Stage
  let api: PublicApi
  let client: Client
  let rival: Client
  let acme: ServiceAccount
  let globex: ServiceAccount
  let states = 0

  beforeAll(async () => {
    stage = await Stage.open(databaseUrl, { settings })
    api = stage.api
    client = await api.addClient('Scheduler')
    rival = await api.addClient('Rival')
    acme = await api.authorise(client, 'acme')
    globex = await api.authorise(rival, 'globex')
  })
  afterAll(() => stage?.close())

  const tokensFor = async (email: string, account = acme): Promise<Tokens> => {
    states += 1
    await stage.ask(account, { email, state: `code ${states}` })
    const { code } = await stage.told(`code ${states}`)
    return (await api.exchange(account.client, code!, stage.callbackUrl)).json
  }
  const isLive = async ({ access_token: token }: Pick<Tokens, 'access_token'>) =>
    (await api.call('GET', '/v1/userinfo', { token })).status === 200
  const mayRefresh = async ({ refresh_token }: Tokens, by = client) =>
    (await api.refresh(by, refresh_token)).status === 200

  it.each<[string, (tokens: Tokens) => Record<string, string>]>([
    ['its access token', ({ access_token }) => ({ token: access_token })],
    ['its refresh token', ({ refresh_token }) => ({ token: refresh_token })],
    ['its refresh token by that name, as the Node SDK sends it', ({ refresh_token }) => ({ refresh_token })],
    ['its sub', ({ sub }) => ({ sub })],
    [
      'its sub, with the service account’s refresh token that the SDK adds',
      ({ sub }) => ({ sub, refresh_token: acme.refreshToken }),
    ],
    ['a token, whatever the sub beside it', ({ access_token }) => ({ token: access_token, sub: acme.id })],
    [
      'a token with the hint of RFC 7009',
      ({ access_token }) => ({ token: access_token, token_type_hint: 'refresh_token' }),
    ],
  ])('ends a mailbox’s access by %s, and nobody else’s', async (_how, what) => {
    const [ended, other] = [await tokensFor('anna@acme.test'), await tokensFor('ben@acme.test')]
    const { status, text, headers } = await api.revoke(client, what(ended))
    expect({ status, text }).toEqual({ status: 200, text: '' })
    expect(headers.get('cache-control')).toBe('no-store')
    expect([await isLive(ended), await mayRefresh(ended)]).toEqual([false, false])
    expect([await isLive(other), await mayRefresh(other)]).toEqual([true, true])
    expect((await api.revoke(client, what(ended))).status).toBe(200)
  })

  it('takes a form, and a Basic header', async () => {
    const ended = await tokensFor('anna@acme.test')
    const headers = { authorization: `Basic ${Buffer.from(`${client.id}:${client.secret}`).toString('base64')}` }
    const form = { token: ended.refresh_token }
    expect((await api.call('POST', '/oauth/token/revoke', { form, headers })).status).toBe(200)
    expect(await isLive(ended)).toBe(false)
  })

  it('answers 200 and ends nothing for what is unknown or another client’s', async () => {
    const theirs = await tokensFor('greg@globex.test', globex)
    const notOurs: Record<string, string>[] = [
      { token: theirs.access_token },
      { token: theirs.refresh_token },
      { sub: theirs.sub },
      { sub: globex.id },
      { token: 'x'.repeat(32) },
      { sub: 'acc_000000000000000000000000' },
      { sub: 'ser_' },
    ]
    for (const what of notOurs) expect((await api.revoke(client, what)).status).toBe(200)
    expect([await isLive(theirs), await mayRefresh(theirs, rival)]).toEqual([true, true])
    expect(await isLive({ access_token: globex.accessToken })).toBe(true)
  })

  it.each<[string, object, string]>([
    ['nothing to revoke', {}, '400 invalid_request'],
    ['a list of tokens', { token: ['a', 'b'] }, '400 invalid_request'],
    ['a token with NUL', { token: 'a\0' }, '400 invalid_request'],
    ['a sub with NUL', { sub: 'acc_\0' }, '400 invalid_request'],
    ['a wrong secret', { token: 'x', client_secret: 'wrong' }, '401 invalid_client'],
  ])('refuses %s', async (_what, over, refusal) => {
    const json = { client_id: client.id, client_secret: client.secret, ...over }
    const answer = await api.call('POST', '/oauth/token/revoke', { json })
    expect(`${answer.status} ${answer.json.error}`).toBe(refusal)
  })

  it.each<[string, (account: ServiceAccount) => Record<string, string>]>([
    ['its access token', ({ accessToken }) => ({ token: accessToken })],
    ['its refresh token', ({ refreshToken }) => ({ token: refreshToken })],
    ['its sub', ({ id }) => ({ sub: id })],
  ])('ends a service account and every mailbox under it by %s, and no other service account', async (_how, what) => {
    const umbrella = await api.authorise(client, 'umbrella')
    const under = await tokensFor('ursula@umbrella.test', umbrella)
    const beside = await tokensFor('anna@acme.test')
    expect((await api.revoke(client, what(umbrella))).status).toBe(200)

    expect([await isLive(under), await mayRefresh(under)]).toEqual([false, false])
    expect(await isLive({ access_token: umbrella.accessToken })).toBe(false)
    expect((await api.refresh(client, umbrella.refreshToken)).json.error).toBe('invalid_grant')
    expect([await isLive(beside), await isLive({ access_token: acme.accessToken })]).toEqual([true, true])

    const anew = await api.authorise(client, 'umbrella')
    expect(anew.id).not.toBe(umbrella.id)
    expect([await isLive({ access_token: anew.accessToken }), await isLive(under)]).toEqual([true, false])
  })

  it.each<[string, (id: string) => Promise<object>]>([
    ['over HTTP', async (id) => (await api.asAdmin('POST', `/admin/v1/service-accounts/${id}/revoke`)).json],
    [
      'at a terminal',
      (id) => mandateJson(['service-accounts', 'revoke', id], { DATABASE_URL: databaseUrl.reveal(), ...settings }),
    ],
  ])(
    'is the operator’s too, %s: a service account ends with all under it, is shown as ended, and on record',
    async (_where, revoke) => {
      const owner = await api.addClient('Short of an organisation')
      const umbrella = await api.authorise(owner, 'umbrella')
      const under = await tokensFor('ursula@umbrella.test', umbrella)
      // Its own grant and the mailbox's, each with an access token and a refresh token.
      const ended = { grants: 2, codes: 0, tokens: 4, requests: 0 }
      expect(await revoke(umbrella.id)).toMatchObject({ service_account_id: umbrella.id, revoked: ended })
      expect([await isLive(under), await mayRefresh(under, owner)]).toEqual([false, false])
      expect(await isLive({ access_token: umbrella.accessToken })).toBe(false)

      const shown = await api.asAdmin('GET', `/admin/v1/service-accounts/${umbrella.id}`)
      expect(shown.json).toMatchObject({ client_id: owner.id, revoked_at: expect.any(String) })
      const again = { revoked_at: shown.json.revoked_at, revoked: { grants: 0, codes: 0, tokens: 0, requests: 0 } }
      expect(await revoke(umbrella.id)).toMatchObject(again)
      const { events } = await api.audit(`events?service_account=${umbrella.id}`)
      const acts = events.filter(({ act }: { act: string }) => /^service_account\./.test(act))
      const actor = expect.stringMatching(/^(admin-key|cli):/)
      expect(acts).toMatchObject([
        { act: 'service_account.revoked', actor, subject: umbrella.id },
        { act: 'service_account.grants_ended', actor, details: { grants: 2, codes: 0, tokens: 4 } },
      ])
    },
  )

  it('of an unknown service account is not found by the operator', async () => {
    const { status } = await api.asAdmin('POST', '/admin/v1/service-accounts/ser_000000000000000000000000/revoke')
    expect(status).toBe(404)
  })

  it('is not needed where an administrator allows less than before: what goes further ends, or is denied', async () => {
    const owner = await api.addClient('Narrowed')
    const wide = await api.authorise(owner, 'globex')
    const [reads, both] = [await tokensFor('greg@globex.test', wide), { state: 'both', scope: 'read_only free_busy' }]
    await stage.ask(wide, { email: 'admin@globex.test', ...both })
    const { code } = await stage.told('both')
    const seesBoth: Tokens = (await api.exchange(owner, code!, stage.callbackUrl)).json
    const down = { contains: 'later@globex.test', answer: { status: 503, text: 'down' } }
    const { id: faultId } = stage.sandbox.google.faults.add(down)
    const [undecided] = await stage.ask(wide, { email: 'later@globex.test', state: 'too much by then' })

    const narrow = await api.authorise(owner, 'globex', { delegated_scope: 'free_busy' })
    stage.sandbox.google.faults.remove(faultId)
    expect(narrow.id).toBe(wide.id)
    expect([await isLive(reads), await mayRefresh(reads, owner)]).toEqual([false, false])
    expect((await api.refresh(owner, seesBoth.refresh_token)).json.scope).toBe('free_busy')
    const { error, error_key } = await stage.told('too much by then')
    expect({ error, error_key }).toEqual({ error: 'unable_to_grant_scope', error_key: 'scope.narrowed' })
    expect(await stage.requestOnce('delivered', narrow, undecided!)).toMatchObject({ status: 'denied' })

    const { events } = await api.audit(`events?client=${owner.id}`)
    const acts = events.filter(({ act, reason }: { act: string; reason: string }) =>
      /narrowed/.test(`${act} ${reason}`),
    )
    expect(acts.map(({ act, mailbox }: { act: string; mailbox: string }) => [act, mailbox])).toEqual([
      ['service_account.narrowed', null],
      expect.arrayContaining(['grant.revoked', 'greg@globex.test']),
      ['grant.narrowed', 'admin@globex.test'],
      ['mint.denied', 'later@globex.test'],
    ])
    expect(acts[0]).toMatchObject({ actor: 'administrator:admin@globex.test', details: { to: ['free_busy'] } })

    await api.authorise(owner, 'globex')
    expect(await isLive(reads)).toBe(false)
  })

  it('is not needed where an administrator allows people only, after people and rooms: the rooms end, for good', async () => {
    const owner = await api.addClient('People only')
    const both = await api.authorise(owner, 'globex')
    const [person, room] = [
      await tokensFor('greg@globex.test', both),
      await tokensFor('c_1990globex0room@resource.calendar.google.com', both),
    ]
    expect(await isLive(room)).toBe(true)

    const people = await api.authorise(owner, 'globex', { scope: 'service_account/accounts/manage' })
    expect(people.id).toBe(both.id)
    expect([await isLive(room), await mayRefresh(room, owner)]).toEqual([false, false])
    expect([await isLive(person), await mayRefresh(person, owner)]).toEqual([true, true])
    const { events } = await api.audit(`events?client=${owner.id}`)
    const ended = ({ act, reason }: { act: string; reason: string }) => /narrowed/.test(`${act} ${reason}`)
    expect(events.filter(ended)).toMatchObject([
      { act: 'service_account.narrowed', details: { from_kinds: ['person', 'room'], to_kinds: ['person'] } },
      { act: 'grant.revoked', mailbox: 'c_1990globex0room@resource.calendar.google.com' },
    ])

    await api.authorise(owner, 'globex')
    expect(await isLive(room)).toBe(false)
  })

  it('of a disabled client ends nothing, because its tokens have ended already', async () => {
    const short = await api.addClient('Short')
    const umbrella = await api.authorise(short, 'umbrella')
    const under = await tokensFor('ursula@umbrella.test', umbrella)
    await api.disable(short)
    expect([await isLive(under), await isLive({ access_token: umbrella.accessToken })]).toEqual([false, false])
    expect((await api.revoke(short, { sub: under.sub })).status).toBe(401)
  })
})
