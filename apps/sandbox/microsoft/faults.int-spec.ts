import type { FaultRule } from '../core/fault-rules.js'
import type { StandIn } from '../core/stand-in.js'
import { defaultMicrosoftSeed, INITECH, type MicrosoftAppCredentials } from './default-seed.js'
import { MICROSOFT_ERRORS } from './errors.js'
import { GraphCaller } from './graph/graph-caller.js'
import { startMicrosoft } from './microsoft-stand-in.js'
import { microsoftSeed } from './seed.js'
import { appToken, msal } from './vendor-clients.js'

describe('faults at Microsoft', () => {
  let app: MicrosoftAppCredentials
  let standIn: StandIn

  beforeAll(async () => {
    const world = await defaultMicrosoftSeed()
    app = world.app
    standIn = await startMicrosoft({ port: 0, seed: microsoftSeed.parse(world.seed) })
    standIn.mutate('grant-consent')
  })
  afterEach(() => standIn.faults.clear())
  afterAll(() => standIn.close())

  const fault = (rule: FaultRule) => standIn.faults.add(rule)
  // A new client each time: MSAL remembers a refusal and repeats it without asking.
  const mint = () => appToken(msal(standIn.url, app.clientId, app), INITECH)

  it.each(Object.keys(MICROSOFT_ERRORS))('answer %s where Microsoft gives it', async (error) => {
    fault({ error, times: 1 })
    const { path, status, json, html, headers } = MICROSOFT_ERRORS[error] as (typeof MICROSOFT_ERRORS)[string]
    const answer = await fetch(`${standIn.url}${path.replace('*', 'x')}`, { method: 'POST' })
    expect(answer.status).toBe(status)
    expect(answer.headers.get('retry-after')).toBe(headers?.['retry-after'] ?? null)
    const text = await answer.text()
    if (json === undefined) expect(text).toBe(html)
    else expect(JSON.parse(text)).toEqual(json)
  })

  /** Numbers, statuses and OAuth errors as documented or seen; typed here a second time on purpose. */
  it.each<[number, number, string]>([
    [700016, 400, 'unauthorized_client'],
    [7000229, 401, 'invalid_client'],
    [65001, 400, 'invalid_grant'],
    [500011, 400, 'invalid_resource'],
    [7000112, 400, 'unauthorized_client'],
    [7000215, 401, 'invalid_client'],
    [7000222, 401, 'invalid_client'],
    [7000218, 400, 'invalid_client'],
    [700027, 401, 'invalid_client'],
    [700024, 400, 'invalid_client'],
    [1000502, 400, 'invalid_client'],
    [7000214, 400, 'invalid_client'],
    [700213, 400, 'invalid_client'],
    [700025, 400, 'invalid_client'],
    [90002, 400, 'invalid_request'],
    [9001023, 400, 'invalid_request'],
    [70011, 400, 'invalid_scope'],
    [50034, 400, 'invalid_grant'],
    [50057, 400, 'invalid_grant'],
    [50105, 400, 'invalid_grant'],
    [50173, 400, 'invalid_grant'],
    [700082, 400, 'invalid_grant'],
    [54005, 400, 'invalid_grant'],
    [50196, 400, 'invalid_grant'],
    [90055, 429, 'temporarily_unavailable'],
    [90033, 503, 'temporarily_unavailable'],
    [90036, 500, 'server_error'],
  ])('let MSAL see AADSTS%i as %i %s', async (code, status, errorCode) => {
    fault({ error: `AADSTS${code}`, times: 1 })
    const refusal = await mint().catch((caught) => caught)
    expect(refusal).toMatchObject({ errorCode, errorNo: code })
    // Where MSAL asks for interaction it forgets the status.
    if (refusal.name === 'ServerError') expect(refusal.status).toBe(status)
  })

  it('know every number of the table', () => {
    const numbers = `700016 700011 7000229 65001 650056 650057 65005 650052 500011 500014 90094 90095 90008 7000112 70001
      7000215 70002 7000222 7000218 900144 700027 7000274 50012 700024 1000502 7000214 7000277 700030 700213 700211 700212
      700025 90002 900023 90019 90038 900382 900432 9001023 70011 28002 700022 700023 1002012 53003 530032 530035 53000
      53001 53002 53011 50034 51004 50020 16000 50014 50057 50105 50076 50079 50072 50074 50078 50158 50173 70000 70008
      700082 700084 70043 50089 50132 50133 54005 501481 700005 70004 50011 65004 50194 50196 90055 90033 90006 90012
      90024 90090 90091 50033 50000 50087 90036 90092 50049`
    const missing = numbers.split(/\s+/).filter((number) => !(`AADSTS${number}` in MICROSOFT_ERRORS))
    expect(missing).toEqual([])
  })

  it('make MSAL repeat a throttled answer by itself, and an answer without `error` a success without a token', async () => {
    const client = msal(standIn.url, app.clientId, app)
    fault({ error: 'provider.throttled/retry_after', times: 1 })
    await expect(appToken(client, INITECH)).rejects.toMatchObject({ status: 429, errorNo: 90055 })
    const asked = standIn.journal.total
    await expect(appToken(client, INITECH)).rejects.toMatchObject({ errorCode: '90055' })
    expect(standIn.journal.total).toBe(asked)
    fault({ error: 'provider.unavailable/no_error_field', times: 1 })
    expect(await mint()).toMatchObject({ accessToken: '' })
  })

  it('reach one mailbox and spare the others, and name the mailbox in the journal', async () => {
    const graph = new GraphCaller(standIn, app)
    const token = await graph.appToken(INITECH)
    fault({ error: 'microsoft.mailbox_not_enabled', contains: 'milton@initech.test' })
    expect((await graph.call(token, '/users/bill@initech.test/calendar')).status).toBe(200)
    expect((await graph.call(token, '/users/milton%40initech.test/calendar')).code).toBe('MailboxNotEnabledForRESTAPI')
    expect(standIn.journal.list().slice(-2)).toMatchObject([
      { subject: 'bill@initech.test', status: 200, fault: null },
      { subject: 'milton@initech.test', status: 404, fault: 'answer' },
    ])
  })

  it('keep secrets out of journal and state', async () => {
    const graph = new GraphCaller(standIn, app)
    const token = await graph.userToken('milton@initech.test', 'openid User.Read')
    await graph.call(token, '/me')
    await mint()
    const kept = JSON.stringify([standIn.journal.list(), standIn.definition.state(), [...standIn.faults.list()]])
    for (const secret of [app.clientSecret, token, token.split('.')[2] ?? '']) expect(kept).not.toContain(secret)
    expect(kept).toContain('initech.test')
    expect(kept).not.toMatch(/PRIVATE KEY|code=1\./)
  })

  it('say what there is, in shapes that a program can read', async () => {
    const listed = JSON.stringify(await (await fetch(`${standIn.url}/__sandbox/`)).json())
    for (const word of ['AADSTS7000222', 'microsoft.mailbox_excluded_by_policy', 'exclude-mailbox', 'set-roles'])
      expect(listed).toContain(word)
    const refused = await fetch(`${standIn.url}/__sandbox/mutations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ mutation: 'set-mailbox', email: 'nobody@initech.test', mailbox: 'none' }),
    })
    expect([refused.status, await refused.json()]).toEqual([
      422,
      { errors: ['email: nobody has the address nobody@initech.test'] },
    ])
  })
})
