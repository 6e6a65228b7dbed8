import * as openid from 'openid-client'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { PersonVisit } from '../e2e/connect-stage.js'
import { type Client, REDIRECT_URI } from '../e2e/public-api.js'
import { Stage } from '../e2e/stage.js'

/** A certified client that is told the issuer and its own secret, and finds out the rest. */
describe('openid-client', () => {
  const { url: databaseUrl } = testDatabase()
  let stage: Stage
  let registered: Client

  beforeAll(async () => {
    stage = await Stage.open(databaseUrl)
    registered = await stage.api.addClient('Scheduler')
  })
  afterAll(() => stage?.close())

  it.each([
    ['client_secret_basic', openid.ClientSecretBasic],
    ['client_secret_post', openid.ClientSecretPost],
  ])('goes from discovery to revocation with %s and PKCE', async (_method, authentication) => {
    const { id, secret } = registered
    const config = await openid.discovery(new URL(stage.api.url), id, undefined, authentication(secret), {
      algorithm: 'oauth2',
      execute: [openid.allowInsecureRequests],
    })
    expect(config.serverMetadata().supportsPKCE()).toBe(true)

    const pkceCodeVerifier = openid.randomPKCECodeVerifier()
    const expectedState = openid.randomState()
    const link = openid.buildAuthorizationUrl(config, {
      redirect_uri: REDIRECT_URI,
      scope: 'service_account/accounts/manage service_account/resources/manage',
      delegated_scope: 'read_only',
      state: expectedState,
      code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
    })
    const returned = await stage.api.consentAt(link, 'acme')

    const tokens = await openid.authorizationCodeGrant(config, returned, { pkceCodeVerifier, expectedState })
    expect(tokens).toMatchObject({ token_type: 'bearer', expires_in: 1800 })
    const scope = 'service_account/accounts/manage'
    const refreshed = await openid.refreshTokenGrant(config, tokens.refresh_token ?? '', { scope })
    expect(refreshed.scope).toBe(scope)

    const told = await openid.tokenIntrospection(config, refreshed.access_token)
    expect(told).toMatchObject({ active: true, client_id: id, scope, iss: stage.api.url, sub: tokens.sub })
    const userinfo = new URL('/v1/userinfo', stage.api.url)
    const answer = await openid.fetchProtectedResource(config, refreshed.access_token, userinfo, 'GET')
    expect(await answer.json()).toMatchObject({ sub: told.sub })

    await openid.tokenRevocation(config, refreshed.refresh_token ?? '', { token_type_hint: 'refresh_token' })
    for (const token of [tokens.access_token, refreshed.access_token, refreshed.refresh_token ?? ''])
      expect(await openid.tokenIntrospection(config, token)).toEqual({ active: false })
    await expect(openid.refreshTokenGrant(config, refreshed.refresh_token ?? '')).rejects.toMatchObject({
      error: 'invalid_grant',
      status: 400,
    })
  })

  it.each([
    ['google', 'anna@acme.test'],
    ['exchange', 'milton@initech.test'],
  ])('connects one account at %s, by the same discovery, with PKCE, state and `iss`', async (providerName, email) => {
    const { id, secret } = registered
    const config = await openid.discovery(new URL(stage.api.url), id, undefined, openid.ClientSecretBasic(secret), {
      algorithm: 'oauth2',
      execute: [openid.allowInsecureRequests],
    })
    const pkceCodeVerifier = openid.randomPKCECodeVerifier()
    const expectedState = openid.randomState()
    const link = openid.buildAuthorizationUrl(config, {
      ...{ redirect_uri: REDIRECT_URI, scope: 'read_only', state: expectedState, provider_name: providerName },
      code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
    })
    const { url: returned } = await new PersonVisit(REDIRECT_URI).connect(link.href, email)

    const wrongVerifier = { pkceCodeVerifier: openid.randomPKCECodeVerifier(), expectedState }
    await expect(openid.authorizationCodeGrant(config, returned, wrongVerifier)).rejects.toMatchObject({
      error: 'invalid_grant',
    })
    const mixedUp = new URL(returned)
    mixedUp.searchParams.set('iss', 'https://another.test')
    const grant = { pkceCodeVerifier, expectedState }
    await expect(openid.authorizationCodeGrant(config, mixedUp, grant)).rejects.toThrow()
    const tokens = await openid.authorizationCodeGrant(config, returned, grant)
    expect(tokens).toMatchObject({ token_type: 'bearer', scope: 'read_only', account_id: expect.any(String) })

    const refreshed = await openid.refreshTokenGrant(config, tokens.refresh_token ?? '')
    const userinfo = new URL('/v1/userinfo', stage.api.url)
    const answer = await openid.fetchProtectedResource(config, refreshed.access_token, userinfo, 'GET')
    expect(await answer.json()).toMatchObject({ sub: tokens.account_id, email })
    await openid.tokenRevocation(config, refreshed.refresh_token ?? '')
    expect(await openid.tokenIntrospection(config, refreshed.access_token)).toEqual({ active: false })
  })
})
