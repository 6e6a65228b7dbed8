import { allowInsecureRequests, discoveryRequest, processDiscoveryResponse } from 'oauth4webapi'
import type { StandIn } from '../core/stand-in.js'
import { defaultMicrosoftSeed, INITECH } from './default-seed.js'
import { startMicrosoft } from './microsoft-stand-in.js'
import { microsoftSeed } from './seed.js'

describe('discovery', () => {
  let standIn: StandIn

  beforeAll(async () => {
    const { seed } = await defaultMicrosoftSeed()
    standIn = await startMicrosoft({ port: 0, seed: microsoftSeed.parse(seed) })
  })
  afterAll(() => standIn.close())

  const documentOf = async (tenant: string) => {
    const answer = await fetch(`${standIn.url}/${tenant}/v2.0/.well-known/openid-configuration`)
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
  }

  it('turns a verified domain into a tenant id, in any case', async () => {
    for (const name of ['initech.test', 'INITECH.onmicrosoft.test', INITECH.toUpperCase()])
      expect((await documentOf(name)).body).toMatchObject({
        issuer: `https://login.microsoftonline.com/${INITECH}/v2.0`,
        token_endpoint: `${standIn.url}/${INITECH}/oauth2/v2.0/token`,
        msgraph_host: 'graph.microsoft.com',
        cloud_instance_name: 'microsoftonline.com',
      })
  })

  it('is a document that a strict OpenID client accepts', async () => {
    const issuer = new URL(`${standIn.url}/${INITECH}/v2.0`)
    const answer = await discoveryRequest(issuer, { algorithm: 'oidc', [allowInsecureRequests]: true })
    const server = await processDiscoveryResponse(new URL(`https://login.microsoftonline.com/${INITECH}/v2.0`), answer)
    const keys = await fetch(server.jwks_uri ?? '')
    expect(await keys.json()).toMatchObject({ keys: [{ kty: 'RSA', kid: expect.any(String) }] })
  })

  it('leaves the tenant open for organizations and common', async () => {
    for (const shared of ['organizations', 'common'])
      expect((await documentOf(shared)).body.issuer).toBe('https://login.microsoftonline.com/{tenantid}/v2.0')
  })

  it('does not know a tenant that is not there', async () => {
    const { status, body } = await documentOf('nobody.test')
    expect(status).toBe(400)
    expect(body).toMatchObject({ error: 'invalid_tenant', error_codes: [90002] })
  })

  it('tells the cloud of a tenant by its Graph host', async () => {
    standIn.definition.seed.load(
      microsoftSeed.parse({
        tenants: [{ id: INITECH, displayName: 'Gov', domains: ['gov.test'], cloud: 'us-government' }],
      }),
    )
    expect((await documentOf('gov.test')).body).toMatchObject({
      msgraph_host: 'graph.microsoft.us',
      issuer: `https://login.microsoftonline.us/${INITECH}/v2.0`,
    })
  })

  it('answers instance discovery', async () => {
    const answer = await fetch(`${standIn.url}/common/discovery/instance?api-version=1.1&authorization_endpoint=x`)
    expect(await answer.json()).toMatchObject({
      'api-version': '1.1',
      metadata: expect.arrayContaining([expect.objectContaining({ preferred_network: 'login.microsoftonline.com' })]),
    })
  })

  it('answers an unknown path and an unreadable body in Microsoft’s shape', async () => {
    const unknown = await fetch(`${standIn.url}/nothing/here/at/all`)
    expect([unknown.status, await unknown.json()]).toMatchObject([404, { error: { code: 'BadRequest' } }])
    const broken = await fetch(`${standIn.url}/v1.0/$batch`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{',
    })
    expect([broken.status, await broken.json()]).toMatchObject([400, { error: { code: 'BadRequest' } }])
    const form = await fetch(`${standIn.url}/${INITECH}/oauth2/v2.0/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"grant_type": 7}',
    })
    expect([form.status, await form.json()]).toMatchObject([400, { error_codes: [900144] }])
  })
})
