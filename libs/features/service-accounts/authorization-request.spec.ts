import fc from 'fast-check'
import { registeredRedirectUri } from '#domain/grants/check-authorization-query.js'
import { clientAnswer } from '#platform/oauth-protocol/client-answer.js'
import { administratorQuery, readAuthorizationRequest } from './authorization-request.js'

const REDIRECT_URI = 'https://app.acme.test/connected'
const ISSUER = 'https://connect.mandate.test'
const GOOD = {
  response_type: 'code',
  client_id: 'cli_acme',
  redirect_uri: REDIRECT_URI,
  scope: 'service_account/accounts/manage',
  delegated_scope: 'read_only',
}

const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
const PKCE = { code_challenge: CHALLENGE, code_challenge_method: 'S256' }

const queryOf = (parameters: Record<string, string | undefined>) =>
  Object.entries({ ...GOOD, ...parameters })
    .filter((pair): pair is [string, string] => pair[1] !== undefined)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join('&')

const read = (query: string) => readAuthorizationRequest(administratorQuery(`?${query}`), REDIRECT_URI)

describe('an authorization request', () => {
  it('is accepted in the form that the vendor documents', () => {
    expect(read(queryOf({ state: 'xyz' }))).toEqual({
      redirectUri: REDIRECT_URI,
      scope: ['service_account/accounts/manage'],
      delegatedScope: ['read_only'],
      encodedState: 'xyz',
      codeChallenge: null,
    })
  })

  it.each([
    ['percent-encoded spaces', 'scope=service_account%2Faccounts%2Fmanage%20service_account%2Fresources%2Fmanage'],
    ['plus signs', 'scope=service_account/accounts/manage+service_account/resources/manage'],
    ['its oldest names', 'scope=service_account/manage_accounts%20service_account/manage_resources'],
    [
      'a name twice',
      'scope=service_account/accounts/manage++service_account/resources/manage+service_account/accounts/manage',
    ],
  ])('reads the scope with %s', (_form, scope) => {
    const query = `${queryOf({ scope: undefined })}&${scope}`
    expect(read(query)).toMatchObject({
      scope: ['service_account/accounts/manage', 'service_account/resources/manage'],
    })
  })

  it('keeps the challenge of PKCE', () => {
    const query = queryOf({ code_challenge: CHALLENGE, code_challenge_method: 'S256' })
    expect(read(query)).toMatchObject({ codeChallenge: CHALLENGE })
  })

  it('ignores parameters that it does not know', () => {
    const query = `${queryOf({})}&avoid_linking=true&link_token=x&provider_name=google&utm[source]=mail`
    expect(read(query)).not.toHaveProperty('error')
  })

  it.each<[string, string, string]>([
    ['without response_type', queryOf({ response_type: undefined }), 'invalid_request'],
    ['for a token', queryOf({ response_type: 'token' }), 'unsupported_response_type'],
    ['for a hybrid', queryOf({ response_type: 'code id_token' }), 'unsupported_response_type'],
    ['for CODE', queryOf({ response_type: 'CODE' }), 'unsupported_response_type'],
    ['without scope', queryOf({ scope: undefined }), 'invalid_scope'],
    ['with an empty scope', queryOf({ scope: '' }), 'invalid_scope'],
    ['with a scope of spaces', queryOf({ scope: '  ' }), 'invalid_scope'],
    ['with an unknown scope', queryOf({ scope: 'service_account/accounts/manage admin' }), 'invalid_scope'],
    ['with a delegated scope as scope', queryOf({ scope: 'read_only' }), 'invalid_scope'],
    ['with a scope in capitals', queryOf({ scope: 'SERVICE_ACCOUNT/accounts/manage' }), 'invalid_scope'],
    ['with scopes joined by a comma', queryOf({ delegated_scope: 'read_events,create_event' }), 'invalid_scope'],
    ['with scopes joined by a tab', queryOf({ delegated_scope: 'read_events\tcreate_event' }), 'invalid_scope'],
    ['with NUL in a scope', queryOf({ delegated_scope: 'read_events\0' }), 'invalid_scope'],
    ['without delegated_scope', queryOf({ delegated_scope: undefined }), 'invalid_scope'],
    ['with an unknown delegated scope', queryOf({ delegated_scope: 'read_only __proto__' }), 'invalid_scope'],
    ['with a challenge and no method', queryOf({ code_challenge: CHALLENGE }), 'invalid_request'],
    ['with a method and no challenge', queryOf({ code_challenge_method: 'S256' }), 'invalid_request'],
    ['with an empty challenge', queryOf({ code_challenge: '', code_challenge_method: 'S256' }), 'invalid_request'],
    ['with the method plain', queryOf({ ...PKCE, code_challenge_method: 'plain' }), 'invalid_request'],
    ['with the method s256', queryOf({ ...PKCE, code_challenge_method: 's256' }), 'invalid_request'],
    ['with an unknown method', queryOf({ ...PKCE, code_challenge_method: 'S512' }), 'invalid_request'],
    ['with a short challenge', queryOf({ ...PKCE, code_challenge: CHALLENGE.slice(1) }), 'invalid_request'],
    ['with a long challenge', queryOf({ ...PKCE, code_challenge: `${CHALLENGE}A` }), 'invalid_request'],
    ['with a padded challenge', queryOf({ ...PKCE, code_challenge: `${CHALLENGE}=` }), 'invalid_request'],
    ['with two challenges', `${queryOf(PKCE)}&code_challenge=${CHALLENGE}`, 'invalid_request'],
    ['with the same parameter twice', `${queryOf({})}&scope=service_account/accounts/manage`, 'invalid_request'],
    ['with an unknown parameter twice', `${queryOf({})}&x=1&x=2`, 'invalid_request'],
    ['with state twice', `${queryOf({})}&state=1&state=2`, 'invalid_request'],
    ['with an array', `${queryOf({})}&scope[]=service_account/accounts/manage`, 'invalid_request'],
    ['with an object', `${queryOf({})}&delegated_scope%5Ba%5D=read_only`, 'invalid_request'],
    ['with broken UTF-8', `${queryOf({ scope: undefined })}&scope=%ff`, 'invalid_request'],
    ['with broken percent-encoding', `${queryOf({ scope: undefined })}&scope=%zz`, 'invalid_request'],
  ])('%s is refused', (_case, query, error) => {
    const refusal = read(query)
    expect(refusal).toMatchObject({ error })
    expect(refusal).toHaveProperty('description', expect.stringMatching(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/))
  })
})

describe('the redirect URI', () => {
  const client = { redirectUris: [REDIRECT_URI, 'https://app.acme.test/with?query=1'] }
  const registered = (query: string) => registeredRedirectUri(administratorQuery(`?${query}`), client as never)

  it('is taken when it is one of the registered, byte for byte', () => {
    expect(registered(queryOf({ redirect_uri: 'https://app.acme.test/with?query=1' }))).toBe(
      'https://app.acme.test/with?query=1',
    )
  })

  it.each([
    'https://app.acme.test/connected/',
    'https://app.acme.test/connected?',
    'https://app.acme.test/connected#',
    'https://app.acme.test/./connected',
    'https://app.acme.test:443/connected',
    'https://app.acme.test:8443/connected',
    'https://other.app.acme.test/connected',
    'https://acme.test/connected',
    'https://аpp.acme.test/connected',
    'https://xn--pp-6kc.acme.test/connected',
    'https://app.acme.test/x/../connected',
    'https://app.acme.test/connected%20',
    'https://app.acme.test//connected',
    'https://APP.acme.test/connected',
    'HTTPS://app.acme.test/connected',
    'http://app.acme.test/connected',
    'https://app.acme.test/%63onnected',
    'https://app.acme.test/connected?extra=1',
    'https://app.acme.test.evil.test/connected',
    'https://evil.test/https://app.acme.test/connected',
    'https://user@app.acme.test/connected',
    'https://app.acme.test\\connected',
    'https://app.acme.test/connected\t',
    ' https://app.acme.test/connected',
    'https://app.acme.test/conn\r\nected',
    'https://app.acme.test/connected\0',
    'javascript:alert(1)',
    '',
  ])('%j is not taken', (redirect_uri) => {
    expect(registered(queryOf({ redirect_uri }))).toBeNull()
  })

  it('is not taken when it is missing, or came twice, even equal', () => {
    expect(registered(queryOf({ redirect_uri: undefined }))).toBeNull()
    expect(registered(`${queryOf({})}&redirect_uri=${encodeURIComponent(REDIRECT_URI)}`)).toBeNull()
  })
})

describe('state', () => {
  const roundTrip = (query: string) => {
    const encodedState = administratorQuery(`?${query}`).encodedState()
    return clientAnswer({ redirectUri: REDIRECT_URI, encodedState }, ISSUER, { code: 'c' })
  }

  it('comes back as it was, whatever it holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (state) => {
        expect(new URL(roundTrip(`state=${encodeURIComponent(state)}`)).searchParams.get('state')).toBe(state)
        const asForm = new URLSearchParams({ state }).toString()
        expect(new URL(roundTrip(asForm)).searchParams.get('state')).toBe(state)
      }),
      { numRuns: 1000 },
    )
  })

  it('comes back byte for byte, also where the bytes are no text', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), fc.boolean(), (bytes, raw) => {
        // Raw: as much unencoded as a request line can hold.
        const inQuery = [...bytes]
          .map((byte) =>
            raw && byte > 0x20 && byte !== 0x7f && !'%&#+'.includes(String.fromCharCode(byte))
              ? String.fromCharCode(byte)
              : `%${byte.toString(16).padStart(2, '0')}`,
          )
          .join('')
        const location = roundTrip(`state=${inQuery}`)
        expect(location).toMatch(/^[\x21-\x7e]+$/)
        expect(bytesOf(location.split('state=')[1]!)).toEqual([...bytes])
      }),
      { numRuns: 1000 },
    )
  })

  it('is left out when none was sent, or an empty one, or two', () => {
    for (const query of ['', 'state=', 'state', 'state=a&state=b']) expect(roundTrip(query)).not.toContain('state=')
  })
})

function bytesOf(encoded: string): number[] {
  return [...encoded.matchAll(/%([0-9A-Fa-f]{2})|(.)/gs)].map(([, hex, plain]) =>
    hex ? Number.parseInt(hex, 16) : plain === '+' ? 0x20 : plain!.charCodeAt(0),
  )
}

describe('the answer to the client', () => {
  it('keeps the query that the redirect URI was registered with', () => {
    const answer = (redirectUri: string) => clientAnswer({ redirectUri, encodedState: 's' }, ISSUER, { code: 'c' })
    const ours = `code=c&iss=${encodeURIComponent(ISSUER)}&state=s`
    expect(answer('https://a.test/x')).toBe(`https://a.test/x?${ours}`)
    expect(answer('https://a.test/x?tenant=%7e1')).toBe(`https://a.test/x?tenant=%7e1&${ours}`)
    expect(answer('https://a.test/x?')).toBe(`https://a.test/x?${ours}`)
  })
})
