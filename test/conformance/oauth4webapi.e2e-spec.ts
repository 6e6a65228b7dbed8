import * as oauth from 'oauth4webapi'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { until } from '#platform/testing/until.js'
import { type Client, REDIRECT_URI } from '../e2e/public-api.js'
import { Stage } from '../e2e/stage.js'

/** A client that checks every word of the answers, as the RFCs let it. */
describe('oauth4webapi', () => {
  const { url: databaseUrl } = testDatabase()
  const onLoopback = { [oauth.allowInsecureRequests]: true }
  let stage: Stage
  let registered: Client
  let server: oauth.AuthorizationServer
  let client: oauth.Client

  beforeAll(async () => {
    stage = await Stage.open(databaseUrl)
    registered = await stage.api.addClient('Scheduler')
    client = { client_id: registered.id }
    const issuer = new URL(stage.api.url)
    const answer = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...onLoopback })
    server = await oauth.processDiscoveryResponse(issuer, answer)
  })
  afterAll(() => stage?.close())

  const post = () => oauth.ClientSecretPost(registered.secret)
  const exchange = async (
    returned: URLSearchParams,
    uri: string,
    authentication: oauth.ClientAuth,
    verifier: string | typeof oauth.nopkce = oauth.nopkce,
  ) => {
    const { authorizationCodeGrantRequest: request } = oauth
    const answer = await request(server, client, authentication, returned, uri, verifier, onLoopback)
    return oauth.processAuthorizationCodeResponse(server, client, answer)
  }
  /** A callback brings its code in JSON; to an OAuth client that is an authorization response all the same. */
  const codeOfMailbox = async (state: string) => {
    const account = await stage.api.authorise(registered, 'acme')
    await stage.ask(account, { email: 'anna@acme.test', state })
    const { code = '' } = await stage.told(state)
    return oauth.validateAuthResponse(server, client, new URLSearchParams({ code, state, iss: server.issuer }), state)
  }

  it('accepts the administrator’s way back with `iss` and state, exchanges its code by PKCE and refreshes', async () => {
    const verifier = oauth.generateRandomCodeVerifier()
    const returned = await stage.api.consent(registered, 'acme', {
      state: 'a state & more',
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })
    const parameters = oauth.validateAuthResponse(server, client, returned, 'a state & more')
    await expect(exchange(parameters, REDIRECT_URI, post())).rejects.toMatchObject({ error: 'invalid_grant' })
    const tokens = await exchange(parameters, REDIRECT_URI, post(), verifier)
    expect(tokens).toMatchObject({ token_type: 'bearer', expires_in: 1800 })

    const refreshing = oauth.refreshTokenGrantRequest(server, client, post(), tokens.refresh_token ?? '', onLoopback)
    const refreshed = await oauth.processRefreshTokenResponse(server, client, await refreshing)
    expect(refreshed.access_token).not.toBe(tokens.access_token)
  })

  it.each([
    ['client_secret_post', () => oauth.ClientSecretPost(registered.secret)],
    ['client_secret_basic', () => oauth.ClientSecretBasic(registered.secret)],
  ])('exchanges the code of a callback with %s', async (method, authentication) => {
    const tokens = await exchange(await codeOfMailbox(method), stage.callbackUrl, authentication())
    expect(tokens).toMatchObject({ token_type: 'bearer', expires_in: 3600, scope: 'read_only' })
    const userinfo = new URL('/v1/userinfo', stage.api.url)
    const { protectedResourceRequest: request } = oauth
    const answer = await request(tokens.access_token, 'GET', userinfo, undefined, null, onLoopback)
    expect(await answer.json()).toMatchObject({ email: 'anna@acme.test' })
  })

  it('reads a refusal of the administrator as what it is', async () => {
    const link = new URL('/enterprise_connect/oauth/authorize', stage.api.url)
    link.search = new URLSearchParams({
      response_type: 'code',
      client_id: registered.id,
      redirect_uri: REDIRECT_URI,
      scope: 'root',
      delegated_scope: 'read_only',
      state: 'denied',
    }).toString()
    const location = (await fetch(link, { redirect: 'manual' })).headers.get('location') ?? ''
    expect(() => oauth.validateAuthResponse(server, client, new URL(location), 'denied')).toThrow(
      expect.objectContaining({ code: oauth.AUTHORIZATION_RESPONSE_ERROR, error: 'invalid_scope' }),
    )
  })

  it('reads the errors of the token endpoint', async () => {
    const returned = new URLSearchParams({ code: 'x', iss: server.issuer })
    const parameters = oauth.validateAuthResponse(server, client, returned, oauth.expectNoState)
    await expect(exchange(parameters, REDIRECT_URI, post())).rejects.toMatchObject({
      code: oauth.RESPONSE_BODY_ERROR,
      status: 400,
      error: 'invalid_grant',
      error_description: expect.any(String),
    })
    // A refused Basic header has to be answered with a challenge that can be parsed (RFC 6749 section 5.2).
    await expect(exchange(parameters, REDIRECT_URI, oauth.ClientSecretBasic('wrong'))).rejects.toMatchObject({
      code: oauth.WWW_AUTHENTICATE_CHALLENGE,
      status: 401,
    })
    await expect(exchange(parameters, REDIRECT_URI, oauth.ClientSecretPost('wrong'))).rejects.toMatchObject({
      status: 401,
      error: 'invalid_client',
    })
  })

  it('exchanges a mailbox’s token for Google’s own, which opens that mailbox there and no other', async () => {
    const tokens = await exchange(await codeOfMailbox('handed over'), stage.callbackUrl, post())
    const { genericTokenEndpointRequest, processGenericTokenEndpointResponse } = oauth
    const grantType = 'urn:ietf:params:oauth:grant-type:token-exchange'
    expect(server.grant_types_supported).toContain(grantType)
    const parameters = {
      subject_token: tokens.access_token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      audience: 'google',
    }
    const handedOver = async () => {
      const asked = genericTokenEndpointRequest(server, client, post(), grantType, parameters, onLoopback)
      return processGenericTokenEndpointResponse(server, client, await asked)
    }
    await expect(handedOver()).rejects.toMatchObject({ status: 400, error: 'unauthorized_client' })
    const path = `/admin/v1/clients/${registered.id}/provider_tokens`
    await stage.api.asAdmin('PUT', path, { json: { allowed: true } })
    const handed = await handedOver()
    expect(handed).toMatchObject({ issued_token_type: parameters.subject_token_type, scope: 'read_only' })
    expect(handed.refresh_token).toBeUndefined()
    const opened = async (calendar: string) => {
      const events = new URL(`/calendar/v3/calendars/${calendar}/events`, stage.sandbox.google.url)
      return oauth.protectedResourceRequest(handed.access_token, 'GET', events, undefined, null, onLoopback)
    }
    expect(await (await opened('primary')).json()).toMatchObject({ summary: 'anna@acme.test' })
    expect((await opened('ben@acme.test')).status).toBe(404)
    const today = new Date().toISOString().slice(0, 10)
    await until('the hand-over to be in the chain', async () => {
      const { readers } = await stage.api.audit(`mailboxes/anna@acme.test/readers?on=${today}`)
      return readers.some(({ provider_tokens }: { provider_tokens: number }) => provider_tokens === 1)
    })
  })

  it('introspects and revokes', async () => {
    const tokens = await exchange(await codeOfMailbox('revoked'), stage.callbackUrl, post())
    const introspecting = oauth.introspectionRequest(server, client, post(), tokens.access_token, onLoopback)
    const told = await oauth.processIntrospectionResponse(server, client, await introspecting)
    expect(told).toMatchObject({ active: true, client_id: registered.id, token_type: 'bearer', iss: server.issuer })
    const answer = await oauth.revocationRequest(server, client, post(), tokens.access_token, onLoopback)
    await expect(oauth.processRevocationResponse(answer)).resolves.toBeUndefined()
    const refreshing = oauth.refreshTokenGrantRequest(server, client, post(), tokens.refresh_token ?? '', onLoopback)
    await expect(oauth.processRefreshTokenResponse(server, client, await refreshing)).rejects.toMatchObject({
      error: 'invalid_grant',
    })
  })
})
