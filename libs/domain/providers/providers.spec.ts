import { createHash } from 'node:crypto'
import { SystemClock } from '#platform/clock/clock.js'
import { Log } from '#platform/observability/log.js'
import { Secret } from '#platform/secrets/secret.js'
import type { MicrosoftCredential } from './provider.port.js'
import { Providers } from './providers.js'
import type { ProviderTokens } from './tokens/provider-tokens.js'

const OAUTH_CLIENT = { clientId: 'the-client', clientSecret: new Secret('hush') }
const APP: MicrosoftCredential = {
  provider: 'microsoft',
  clientId: 'the-client',
  cloud: 'global',
  proof: { kind: 'secret', clientSecret: new Secret('hush') },
}
const MICROSOFT_LOGINS = [
  'https://login.microsoftonline.com',
  'https://login.microsoftonline.us',
  'https://login.partner.microsoftonline.cn',
]
const ADMINISTRATOR = { providerUserId: '1', email: 'admin@contoso.test', displayName: null, isAdministrator: true }
const ATTEMPT = {
  redirectUri: 'https://mandate.test/return',
  state: 'the state',
  nonce: 'the nonce',
  codeVerifier: new Secret('v'.repeat(43)),
}

const providers = (google: string | null, microsoft: string | null) =>
  new Providers(
    {
      googleSandboxUrl: google ? new URL(google) : null,
      microsoftSandboxUrl: microsoft ? new URL(microsoft) : null,
      timeoutMs: 1_000,
      mintsPerSecond: 1,
    },
    new SystemClock(),
    // Nothing here asks for a token.
    {} as ProviderTokens,
    new Log('silent'),
  )

describe('the providers', () => {
  it('are the real ones unless a stand-in is named', () => {
    expect(providers(null, null).browserOrigins()).toEqual(['https://accounts.google.com', ...MICROSOFT_LOGINS])
    expect(providers('http://127.0.0.1:9081/', null).browserOrigins()).toEqual([
      'http://127.0.0.1:9081',
      ...MICROSOFT_LOGINS,
    ])
    expect(new Set(providers(null, 'http://127.0.0.1:9082').browserOrigins())).toEqual(
      new Set(['https://accounts.google.com', 'http://127.0.0.1:9082']),
    )
  })

  it('know themselves by name', () => {
    const both = providers(null, null)
    for (const name of ['google', 'microsoft'] as const)
      expect([both.organisation(name).name, both.administrator(name).name]).toEqual([name, name])
  })

  it.each([
    ['google', 'https://accounts.google.com/o/oauth2/v2/auth'],
    ['microsoft', 'https://login.microsoftonline.com/organizations/oauth2/v2.0/authorize'],
  ] as const)('%s is signed in at with state, nonce and PKCE, and with nothing secret in the URL', (name, endpoint) => {
    const url = providers(null, null)
      .administrator(name)
      .signInUrl(name === 'google' ? OAUTH_CLIENT : APP, ATTEMPT)
    expect(`${url.origin}${url.pathname}`).toBe(endpoint)
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      response_type: 'code',
      client_id: 'the-client',
      redirect_uri: ATTEMPT.redirectUri,
      state: 'the state',
      nonce: 'the nonce',
      code_challenge: createHash('sha256').update('v'.repeat(43)).digest('base64url'),
      code_challenge_method: 'S256',
    })
    expect(url.href).not.toMatch(/hush|vvvv/)
  })

  it('ask for consent at Microsoft for one tenant and for what the registration lists', () => {
    const administrator = providers(null, null).administrator('microsoft')
    const signedIn = { ...ADMINISTRATOR, organisation: '../organizations' }
    const url = administrator.adminConsentUrl(APP, signedIn, ATTEMPT.redirectUri, 'the state')
    expect(`${url?.origin}${url?.pathname}`).toBe(
      'https://login.microsoftonline.com/..%2Forganizations/v2.0/adminconsent',
    )
    expect(url?.searchParams.get('scope')).toBe('https://graph.microsoft.com/.default')
  })

  it.each([
    ['us-government', 'https://login.microsoftonline.us', 'https://graph.microsoft.us/.default'],
    ['us-dod', 'https://login.microsoftonline.us', 'https://dod-graph.microsoft.us/.default'],
    ['china', 'https://login.partner.microsoftonline.cn', 'https://microsoftgraph.chinacloudapi.cn/.default'],
  ] as const)('send browsers to the cloud of the registration: %s', (cloud, login, scope) => {
    const administrator = providers(null, null).administrator('microsoft')
    expect(administrator.signInUrl({ ...APP, cloud }, ATTEMPT).origin).toBe(login)
    const signedIn = { ...ADMINISTRATOR, organisation: 'a-guid', cloud }
    const url = administrator.adminConsentUrl({ ...APP, cloud }, signedIn, ATTEMPT.redirectUri, 'the state')
    expect([url?.origin, url?.searchParams.get('scope')]).toEqual([login, scope])
  })
})
