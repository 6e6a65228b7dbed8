import { Secret } from '#platform/secrets/secret.js'
import { AADSTS_CODES } from '../../../../apps/sandbox/microsoft/aadsts.js'
import { AADSTS_ROWS } from '../../../../apps/sandbox/microsoft/aadsts-table.js'
import { INITECH } from '../../../../apps/sandbox/microsoft/default-seed.js'
import { GRAPH_ERRORS } from '../../../../apps/sandbox/microsoft/graph/graph-errors.js'
import { type Sandbox, startSandbox } from '../../../../apps/sandbox/sandbox.js'
import { defaultSeed, type OperatorCredentials } from '../../../../apps/sandbox/seed/default-seed.js'
import { permissionsOf } from '../delegated-scopes.js'
import type { MicrosoftCredential, Organisation, OrganisationProvider } from '../provider.port.js'
import { providersForTests } from '../testing/providers-for-tests.js'
import { MICROSOFT_ERRORS } from './microsoft-errors.js'
import { GRAPH_REFUSALS, LOGIN_REFUSALS } from './refusals-for-tests.js'

const fixOf = (key: string) => MICROSOFT_ERRORS[key as keyof typeof MICROSOFT_ERRORS].fix

describe('a refusal of Microsoft, over the wire', () => {
  const providers = providersForTests()
  let sandbox: Sandbox
  let operator: OperatorCredentials
  let initech: Organisation
  let microsoft: OrganisationProvider

  beforeAll(async () => {
    const { seed, operator: owner } = await defaultSeed()
    operator = owner
    sandbox = await startSandbox({ seed })
    sandbox.microsoft.mutate('grant-consent')
  })
  afterAll(() => sandbox.stop())

  beforeEach(async () => {
    sandbox.microsoft.faults.clear()
    const opened = await providers.open({ microsoftSandboxUrl: new URL(sandbox.microsoft.url), timeoutMs: 2_500 })
    microsoft = opened.organisation('microsoft')
    sandbox.microsoft.journal.clear()
    initech = {
      id: INITECH,
      domains: ['initech.test', 'initech.onmicrosoft.test'],
      administratorEmail: 'admin@initech.test',
      credential: bySecret(),
      credentialVersion: 'version 1',
    }
  })

  const bySecret = (): MicrosoftCredential => ({
    provider: 'microsoft',
    clientId: operator.microsoftApp.clientId,
    cloud: null,
    proof: { kind: 'secret', clientSecret: new Secret(operator.microsoftApp.clientSecret) },
  })
  const prove = (email: string) =>
    microsoft.proveMailbox(initech, email, permissionsOf(['read_only']), ['person', 'room'])
  const refusal = (proof: Promise<unknown>) =>
    proof.then(
      () => null,
      (error) => error.facts,
    )

  const EVERY_NUMBER = AADSTS_CODES.map(Number)
  const expectedFor = new Map(
    LOGIN_REFUSALS.flatMap(([codes, error, key, kind, effect]) =>
      codes.map((code) => [`${code} ${error}`, { key, class: kind, effect }] as const),
    ),
  )
  const meaningOf = (code: number) => {
    const [, error] = AADSTS_ROWS[code as keyof typeof AADSTS_ROWS]
    const anyError = [...expectedFor].find(([name]) => name.startsWith(`${code} `))?.[1]
    return expectedFor.get(`${code} ${error}`) ?? anyError
  }

  it.each(EVERY_NUMBER)('AADSTS%d is told as what it means: key, class, effect and what to do', async (code) => {
    sandbox.microsoft.faults.add({ error: `AADSTS${code}` })
    const facts = await refusal(prove('milton@initech.test'))
    expect(facts).toMatchObject({ provider: 'microsoft', ...meaningOf(code) })
    expect(facts.fix).toEqual(facts.tries ? expect.stringContaining('support case') : fixOf(facts.key))
  })

  it('of every number in the table can be played by the sandbox', () => {
    const played = new Set(EVERY_NUMBER)
    expect(LOGIN_REFUSALS.flatMap(([codes]) => codes).filter((code) => !played.has(code))).toEqual([])
  })

  it.each(GRAPH_REFUSALS)(
    '%d %s %s of Graph is told as %s: %s, %s',
    async (status, code, message, key, kind, effect) => {
      const json = { error: { code, message, innerError: { 'request-id': 'x' } } }
      sandbox.microsoft.faults.add({ path: '/v1.0/users/*/calendar', answer: { status, json } })
      expect(await refusal(prove('milton@initech.test'))).toMatchObject({ key, class: kind, effect, fix: fixOf(key) })
    },
  )

  it.each(Object.keys(GRAPH_ERRORS))('%s of the sandbox’s Graph keeps its name', async (error) => {
    sandbox.microsoft.faults.add({ error, path: '/v1.0/users/*/calendar' })
    const key = error.startsWith('graph.') ? 'microsoft.request_refused' : error.split('/')[0]
    expect(await refusal(prove('milton@initech.test'))).toMatchObject({ provider: 'microsoft', key })
  })

  it('that Microsoft itself calls final is asked about three times more, and is then an answer', async () => {
    sandbox.microsoft.faults.add({ error: 'AADSTS90092' })
    const classes = []
    for (let tries = 0; tries < 4; tries++) classes.push((await refusal(prove('milton@initech.test'))).class)
    expect(classes).toEqual(['retry', 'retry', 'retry', 'permanent'])
    sandbox.microsoft.faults.clear()
    expect(await prove('milton@initech.test')).toMatchObject({ kind: 'person' })
  })

  it.each([
    ['answers HTML', { error: 'provider.unavailable/html' }],
    ['fails without an error field', { error: 'provider.unavailable/no_error_field' }],
    ['answers half of the JSON', { path: '/*/oauth2/v2.0/token', truncate: true }],
    [
      'answers an empty token',
      {
        path: '/*/oauth2/v2.0/token',
        answer: { status: 200, json: { token_type: 'Bearer', expires_in: 3599, access_token: '' } },
      },
    ],
    ['hangs', { path: '/*/oauth2/v2.0/token', hang: true }],
    ['resets the connection', { path: '/*/oauth2/v2.0/token', reset: true }],
  ] as const)('is none when the token endpoint %s, and MSAL does not ask again on its own', async (_, fault) => {
    sandbox.microsoft.faults.add(fault)
    expect(await refusal(prove('milton@initech.test'))).toMatchObject({ class: 'retry' })
    expect(sandbox.microsoft.journal.list({ path: '/oauth2/v2.0/token' })).toHaveLength(1)
  })

  it('that was a throttle is over when it is over', async () => {
    sandbox.microsoft.faults.add({ error: 'provider.throttled/retry_after', times: 1 })
    expect(await refusal(prove('milton@initech.test'))).toMatchObject({ key: 'provider.throttled', retryAfter: 2 })
    expect(await prove('milton@initech.test')).toMatchObject({ kind: 'person' })
  })
})
