import { createPrivateKey, randomUUID, sign, X509Certificate } from 'node:crypto'
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose'
import { newSigningKey, selfSignedCertificate } from '../core/self-signed-certificate.js'
import type { StandIn } from '../core/stand-in.js'
import { defaultMicrosoftSeed, INITECH, type MicrosoftAppCredentials, UMBRELLA } from './default-seed.js'
import { startMicrosoft } from './microsoft-stand-in.js'
import { type MicrosoftSeedInput, microsoftSeed } from './seed.js'
import { appToken, type ConfidentialClientApplication, msal } from './vendor-clients.js'

describe('app-only tokens', () => {
  let seed: MicrosoftSeedInput
  let app: MicrosoftAppCredentials
  let standIn: StandIn
  let client: ConfidentialClientApplication

  beforeAll(async () => {
    ;({ seed, app } = await defaultMicrosoftSeed())
  })
  beforeEach(async () => {
    standIn = await startMicrosoft({ port: 0, seed: microsoftSeed.parse(seed) })
    client = msal(standIn.url, app.clientId, app)
    change('grant-consent')
  })
  afterEach(() => standIn.close())

  const change = (name: string, input: Record<string, unknown> = {}) => standIn.mutate(name, input)
  const token = async (tenant = INITECH) => (await appToken(client, tenant))?.accessToken ?? ''
  const withCertificate = (pem: string, privateKey: string) =>
    msal(standIn.url, app.clientId, {
      clientCertificate: { privateKey, thumbprintSha256: thumbprint(pem, 'fingerprint256') },
    })
  const post = async (tenant: string, form: Record<string, string>, headers: Record<string, string> = {}) => {
    const body = new URLSearchParams(form)
    const answer = await fetch(`${standIn.url}/${tenant}/oauth2/v2.0/token`, { method: 'POST', body, headers })
    return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Record<string, unknown> }
  }
  const grant = () => ({
    grant_type: 'client_credentials',
    client_id: app.clientId,
    client_secret: app.clientSecret,
    scope: 'https://graph.microsoft.com/.default',
  })
  const refusal = async (tenant: string, form: Record<string, string>) => {
    const { status, body } = await post(tenant, form)
    return [status, body.error, (body.error_codes as number[])[0]]
  }

  it('gives MSAL a token by secret, signed, for this tenant, with the granted roles', async () => {
    const jwt = await token()
    const keys = createRemoteJWKSet(new URL(`${standIn.url}/${INITECH}/discovery/v2.0/keys`))
    const { payload } = await jwtVerify(jwt, keys, {
      issuer: `https://sts.windows.net/${INITECH}/`,
      audience: 'https://graph.microsoft.com',
    })
    expect(payload).toMatchObject({ tid: INITECH, appid: app.clientId, idtyp: 'app' })
    expect(payload.roles).toEqual(['Calendars.ReadWrite', 'User.Read.All', 'Place.Read.All', 'Organization.Read.All'])
    expect((payload.exp as number) - (payload.iat as number)).toBe(3599)
  })

  it('gives MSAL a token by certificate, PS256 with SHA-256 and RS256 with SHA-1 thumbprint', async () => {
    const [privateKey, pem] = [app.privateKeyPem, app.certificatePem]
    const modern = withCertificate(pem, privateKey)
    expect(decodeJwt((await appToken(modern, INITECH))?.accessToken ?? '').tid).toBe(INITECH)
    const old = { clientCertificate: { privateKey, thumbprint: thumbprint(pem, 'fingerprint') } }
    expect(decodeJwt((await appToken(msal(standIn.url, app.clientId, old), INITECH))?.accessToken ?? '').tid).toBe(
      INITECH,
    )
  })

  it('refuses a certificate that is not registered, and one that is but with another key', async () => {
    const stranger = await newSigningKey()
    const strangerPem = stranger.export({ type: 'pkcs8', format: 'pem' }).toString()
    const unknown = withCertificate(selfSignedCertificate(stranger, 'stranger.test'), strangerPem)
    await expect(appToken(unknown, INITECH)).rejects.toMatchObject({
      errorCode: 'invalid_client',
      errorNo: 700027,
      status: 401,
    })
    await expect(appToken(withCertificate(app.certificatePem, strangerPem), INITECH)).rejects.toMatchObject({
      errorNo: 7000274,
    })
  })

  it('refuses a certificate past its date', async () => {
    const key = createPrivateKey(app.privateKeyPem)
    const certificate = selfSignedCertificate(key, 'old.test', new Date('2010-01-01'))
    change('add-certificate', { certificate })
    await expect(appToken(withCertificate(certificate, app.privateKeyPem), INITECH)).rejects.toMatchObject({
      errorNo: 1000502,
    })
  })

  it('takes an assertion made for Microsoft’s own address, and refuses one out of time, for elsewhere, or by another', async () => {
    const now = Math.floor(Date.now() / 1000)
    const claims = {
      aud: `https://login.microsoftonline.com/${INITECH}/oauth2/v2.0/token`,
      iss: app.clientId,
      sub: app.clientId,
      jti: randomUUID(),
      nbf: now + 60,
      exp: now + 600,
    }
    const code = async (changed: object) => {
      const { client_secret: _none, ...form } = grant()
      const { status, body } = await post(INITECH, {
        ...form,
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: assertion({ ...claims, ...changed }, app),
      })
      return status === 200 ? 'granted' : (body.error_codes as number[])[0]
    }
    expect(await code({})).toBe('granted')
    expect(await code({ aud: `https://login.microsoftonline.com/initech.test/oauth2/v2.0/token` })).toBe(700023)
    expect(await code({ aud: `https://login.microsoftonline.com/${UMBRELLA}/oauth2/v2.0/token` })).toBe(700023)
    expect(await code({ exp: now - 400 })).toBe(700024)
    expect(await code({ nbf: now + 400 })).toBe(700024)
    expect(await code({ sub: randomUUID() })).toBe(700021)
    expect(await refusal(INITECH, { ...grant(), client_assertion: 'not.a-jwt' })).toEqual([
      400,
      'invalid_client',
      50027,
    ])
  })

  it('takes the secret in a Basic header too', async () => {
    const { client_id, client_secret, ...form } = grant()
    const authorization = `Basic ${Buffer.from([client_id, client_secret].map(encodeURIComponent).join(':')).toString('base64')}`
    const { status, headers, body } = await post(INITECH, form, { authorization })
    expect([status, body.token_type, body.expires_in]).toEqual([200, 'Bearer', 3599])
    expect(headers.get('cache-control')).toContain('no-store')
  })

  it('refuses in Microsoft’s order, with Microsoft’s body', async () => {
    const everythingWrong = { ...grant(), client_id: randomUUID(), client_secret: 'wrong', scope: 'nothing' }
    expect(await refusal('organizations', everythingWrong)).toEqual([400, 'invalid_request', 9001023])
    expect(await refusal(randomUUID(), everythingWrong)).toEqual([400, 'invalid_request', 90002])
    expect(await refusal(INITECH, everythingWrong)).toEqual([400, 'unauthorized_client', 700016])
    const known = { ...everythingWrong, client_id: app.clientId }
    expect(await refusal(UMBRELLA, known)).toEqual([401, 'invalid_client', 7000229])
    change('disable-service-principal')
    expect(await refusal(INITECH, known)).toEqual([400, 'unauthorized_client', 7000112])
    change('disable-service-principal', { disabled: false })
    expect(await refusal(INITECH, known)).toEqual([401, 'invalid_client', 7000215])
    const { client_secret: _none, ...without } = known
    expect(await refusal(INITECH, without)).toEqual([400, 'invalid_client', 7000218])
    change('block-by-policy')
    const proven = { ...known, client_secret: app.clientSecret }
    expect(await refusal(INITECH, proven)).toEqual([400, 'invalid_scope', 1002012])
    expect(await refusal(INITECH, grant())).toEqual([400, 'invalid_grant', 53003])

    const { body } = await post(randomUUID(), { ...grant(), 'client-request-id': 'abc' })
    expect(body).toMatchObject({
      error_description: expect.stringMatching(
        /^AADSTS90002: Tenant '.*' not found\..*\r\nTrace ID: .*\r\nCorrelation ID: abc\r\nTimestamp: .*Z$/s,
      ),
      correlation_id: 'abc',
      error_uri: 'https://login.microsoftonline.com/error?code=90002',
    })
  })

  it('refuses every other scope than one resource’s default', async () => {
    const withScope = (scope: string) => refusal(INITECH, { ...grant(), scope })
    expect(await withScope('https://graph.microsoft.com/User.Read')).toEqual([400, 'invalid_scope', 1002012])
    expect(await withScope('https://graph.microsoft.com/.default https://vault.azure.net/.default')).toEqual([
      400,
      'invalid_scope',
      700022,
    ])
    expect(await withScope('https://graph.microsoft.us/.default')).toEqual([400, 'invalid_resource', 500011])
    expect(await withScope('offline_access')).toEqual([400, 'invalid_scope', 70011])
    expect(await withScope('')).toEqual([400, 'invalid_request', 900144])
  })

  it('lets MSAL see a wrong, an expired and a removed secret', async () => {
    await expect(appToken(msal(standIn.url, app.clientId, { clientSecret: 'wrong' }), INITECH)).rejects.toMatchObject({
      errorNo: 7000215,
    })
    change('expire-secret')
    await expect(token()).rejects.toMatchObject({ errorNo: 7000222, status: 401 })
    change('add-secret', { value: 'second', expiresAt: '2099-01-01T00:00:00Z' })
    client = msal(standIn.url, app.clientId, { clientSecret: 'second' })
    expect(await token()).not.toBe('')
    change('remove-secret')
    await expect(token()).rejects.toMatchObject({ errorNo: 7000215 })
  })

  it('lets MSAL see an unknown tenant, and one where nobody has consented', async () => {
    await expect(token(randomUUID())).rejects.toMatchObject({ errorCode: 'invalid_request', errorNo: 90002 })
    await expect(token(UMBRELLA)).rejects.toMatchObject({ errorCode: 'invalid_client', errorNo: 7000229 })
    change('revoke-consent')
    await expect(token()).rejects.toMatchObject({ errorNo: 7000229 })
  })

  it('issues a token without roles where nothing is granted, and keeps what a token had', async () => {
    change('remove-permission', { permission: 'User.Read.All' })
    expect(decodeJwt(await token()).roles).not.toContain('User.Read.All')
    change('grant-consent', { permissions: [] })
    expect(decodeJwt(await token())).not.toHaveProperty('roles')
  })

  it('lets a new consent arrive late, first as not installed or as a token without roles', async () => {
    const late = (until: string) => ({ ...seed, consentDelay: { ms: 60_000, until } })
    standIn.definition.seed.load(microsoftSeed.parse(late('not-installed')))
    change('grant-consent')
    await expect(token()).rejects.toMatchObject({ errorNo: 7000229 })
    change('shift-clock', { seconds: 61 })
    expect(decodeJwt(await token()).roles).toContain('Calendars.ReadWrite')
    standIn.definition.seed.load(microsoftSeed.parse(late('no-roles')))
    change('grant-consent')
    expect(decodeJwt(await token())).not.toHaveProperty('roles')
    change('shift-clock', { seconds: 61 })
    expect(decodeJwt(await token()).roles).toContain('Calendars.ReadWrite')
  })

  it('refuses a tenant of another cloud, a single-tenant app elsewhere, and a public client with a secret', async () => {
    const [initech, umbrella] = seed.tenants ?? []
    const [registration] = seed.registrations ?? []
    const load = (changed: object, changedApp: object) =>
      standIn.definition.seed.load(
        microsoftSeed.parse({
          tenants: [{ ...initech, ...changed }, umbrella],
          registrations: [{ ...registration, ...changedApp }],
        }),
      )
    load({ cloud: 'us-government' }, {})
    await expect(token()).rejects.toMatchObject({ errorNo: 900382 })
    load({ cloud: 'china' }, {})
    await expect(token()).rejects.toMatchObject({ errorNo: 90002 })
    load({ cloud: 'us-government' }, { cloud: 'us-dod', consentedIn: [INITECH] })
    await expect(token()).rejects.toMatchObject({ errorNo: 500011 })
    load({}, { audience: INITECH, consentedIn: [INITECH, UMBRELLA] })
    expect(await token()).not.toBe('')
    await expect(token(UMBRELLA)).rejects.toMatchObject({ errorNo: 700016 })
    load({}, { publicClient: true, consentedIn: [INITECH] })
    await expect(token()).rejects.toMatchObject({ errorNo: 700025 })
  })
})

const thumbprint = (pem: string, which: 'fingerprint' | 'fingerprint256') =>
  new X509Certificate(pem)[which].replaceAll(':', '')

function assertion(claims: object, { certificatePem, privateKeyPem }: MicrosoftAppCredentials): string {
  const x5t = Buffer.from(thumbprint(certificatePem, 'fingerprint'), 'hex').toString('base64url')
  const input = [{ alg: 'RS256', typ: 'JWT', x5t }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  return `${input}.${sign('sha256', Buffer.from(input), privateKeyPem).toString('base64url')}`
}
