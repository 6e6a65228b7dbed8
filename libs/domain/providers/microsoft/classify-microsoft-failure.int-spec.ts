import { Secret } from '#platform/secrets/secret.js'
import { AADSTS_CODES } from '../../../../apps/sandbox/microsoft/aadsts.js'
import { INITECH } from '../../../../apps/sandbox/microsoft/default-seed.js'
import { GRAPH_ERRORS } from '../../../../apps/sandbox/microsoft/graph/graph-errors.js'
import { type Sandbox, startSandbox } from '../../../../apps/sandbox/sandbox.js'
import { defaultSeed, type OperatorCredentials } from '../../../../apps/sandbox/seed/default-seed.js'
import type { SandboxSeed } from '../../../../apps/sandbox/seed/seed-schema.js'
import { permissionsOf } from '../delegated-scopes.js'
import type { MicrosoftCredential, Organisation, OrganisationProvider } from '../provider.port.js'
import { providersForTests } from '../testing/providers-for-tests.js'
import { AADSTS_ROWS } from './classify-microsoft-failure.js'

describe('a refusal of Microsoft, through its real library', () => {
  const providers = providersForTests()
  let sandbox: Sandbox
  let seed: SandboxSeed
  let operator: OperatorCredentials
  let initech: Organisation
  let microsoft: OrganisationProvider

  beforeAll(async () => {
    ;({ seed, operator } = await defaultSeed())
    sandbox = await startSandbox({ seed })
  })
  afterAll(() => sandbox.stop())

  beforeEach(async () => {
    sandbox.microsoft.reseed(seed.microsoft)
    sandbox.microsoft.faults.clear()
    sandbox.microsoft.mutate('grant-consent')
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
    proof: { kind: 'secret', clientSecret: new Secret(operator.microsoftApp.clientSecret) },
  })
  const prove = (email: string) =>
    microsoft.proveMailbox(initech, email, permissionsOf(['read_only']), ['person', 'room'])
  const refusal = (proof: Promise<unknown>) =>
    proof.then(
      () => null,
      (error) => error.facts,
    )

  const keyOf = new Map(AADSTS_ROWS.flatMap(({ codes, key }) => codes.map((code) => [code, key] as const)))

  it.each(AADSTS_CODES.map(Number).filter((code) => keyOf.has(code)))(
    'AADSTS%d keeps its meaning through MSAL',
    async (code) => {
      sandbox.microsoft.faults.add({ error: `AADSTS${code}` })
      expect(await refusal(prove('milton@initech.test'))).toMatchObject({ key: keyOf.get(code) })
    },
  )

  it('of every number in the table can be played by the sandbox', () => {
    const played = new Set(AADSTS_CODES.map(Number))
    expect([...keyOf.keys()].filter((code) => !played.has(code))).toEqual([])
  })

  it.each(Object.keys(GRAPH_ERRORS))('%s of Graph keeps its name', async (error) => {
    sandbox.microsoft.faults.add({ error, path: '/v1.0/users/*/calendar' })
    const key = error.startsWith('graph.') ? 'microsoft.request_refused' : error.split('/')[0]
    expect(await refusal(prove('milton@initech.test'))).toMatchObject({ provider: 'microsoft', key })
  })

  it.each([
    ['answers HTML', { error: 'provider.unavailable/html' }],
    ['fails without an error field, which MSAL takes for success', { error: 'provider.unavailable/no_error_field' }],
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
  ] as const)('is none when the token endpoint %s', async (_, fault) => {
    sandbox.microsoft.faults.add(fault)
    expect(await refusal(prove('milton@initech.test'))).toMatchObject({ class: 'retry' })
  })

  it('that was a throttle is over when it is over: MSAL’s own memory of it is not used', async () => {
    sandbox.microsoft.faults.add({ error: 'provider.throttled/retry_after', times: 1 })
    expect(await refusal(prove('milton@initech.test'))).toMatchObject({ key: 'provider.throttled', retryAfter: 2 })
    expect(await prove('milton@initech.test')).toMatchObject({ kind: 'person' })
  })
})
