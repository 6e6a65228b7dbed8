import { createHash } from 'node:crypto'
import { SystemClock } from '#platform/clock/clock.js'
import { Secret } from '#platform/secrets/secret.js'
import { Providers } from './providers.js'
import type { ProviderTokens } from './tokens/provider-tokens.js'

const REGISTRATION = { clientId: 'the-client', clientSecret: new Secret('hush') }
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
  )

describe('the providers', () => {
  it('are the real ones unless a stand-in is named', () => {
    expect(providers(null, null).browserOrigins()).toEqual([
      'https://accounts.google.com',
      'https://login.microsoftonline.com',
    ])
    expect(providers('http://127.0.0.1:9081/', null).browserOrigins()).toEqual([
      'http://127.0.0.1:9081',
      'https://login.microsoftonline.com',
    ])
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
    const url = providers(null, null).administrator(name).signInUrl(REGISTRATION, ATTEMPT)
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
    const url = administrator.adminConsentUrl(REGISTRATION, '../organizations', ATTEMPT.redirectUri, 'the state')
    expect(`${url?.origin}${url?.pathname}`).toBe(
      'https://login.microsoftonline.com/..%2Forganizations/v2.0/adminconsent',
    )
    expect(url?.searchParams.get('scope')).toBe('https://graph.microsoft.com/.default')
  })
})
