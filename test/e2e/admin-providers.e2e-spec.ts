import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { rowsOf } from '#platform/testing/rows-of.js'
import { newSigningKey, selfSignedCertificate } from '../../apps/sandbox/core/self-signed-certificate.js'
import { type AdminStage, openAdminStage } from './admin-stage.js'

const APPLICATION = '11111111-2222-4333-8444-555555555555'
const SECRET = 'abc8Q~not-for-anybody'

describe('/admin/v1/providers', () => {
  const { url } = testDatabase()
  let stage: AdminStage
  let keyFile: Record<string, string>
  let certificate: string
  let privateKey: string

  beforeAll(async () => {
    stage = await openAdminStage(url)
    const key = await newSigningKey()
    privateKey = key.export({ type: 'pkcs8', format: 'pem' }) as string
    certificate = selfSignedCertificate(key, 'Mandate')
    keyFile = {
      type: 'service_account',
      client_id: '123456789012345678901',
      client_email: 'calendar@acme.iam.gserviceaccount.com',
      private_key: privateKey,
      private_key_id: 'abc123',
    }
  })
  afterAll(() => stage.close())

  const newClient = async () => (await (await stage.call('POST', '/clients', { name: 'Acme' })).json()).client_id
  const providers = async () => (await (await stage.call('GET', '/providers')).json()).providers

  async function refusal(path: string, body: unknown) {
    const answer = await stage.call('PUT', path, body)
    const text = await answer.text()
    return { status: answer.status, fields: Object.keys(JSON.parse(text).errors ?? {}), text }
  }

  it('takes the first registration of a provider only with something to act with', async () => {
    const signInAlone = { oauth_client_id: 'x', oauth_client_secret: 'y' }

    expect(await refusal('/providers/google', signInAlone)).toMatchObject({ status: 422, fields: ['key_file'] })
    expect(await refusal('/providers/google', {})).toMatchObject({ status: 422, fields: ['key_file'] })
    expect(await providers()).toEqual([])
  })

  it('takes a Google key file and an OAuth client on record, and tells the numeric client id', async () => {
    const body = { key_file: keyFile, oauth_client_id: 'acme.apps.googleusercontent.com', oauth_client_secret: SECRET }
    const answer = await stage.call('PUT', '/providers/google', body)

    expect(answer.status).toBe(200)
    const acts = await rowsOf(url, "select distinct act from audit_arrivals where client_id = 'operator'")
    expect(acts).toEqual([{ act: 'provider.credential_set' }])
    expect(await answer.json()).toEqual({
      provider: 'google',
      client: null,
      credential: {
        kind: 'service_account',
        client_id: '123456789012345678901',
        email: 'calendar@acme.iam.gserviceaccount.com',
        key_ids: ['abc123'],
      },
      sign_in: { client_id: 'acme.apps.googleusercontent.com' },
      expires_at: null,
      former_replaced_at: null,
      updated_at: expect.any(String),
    })
  })

  it('takes a Microsoft registration, for one client alone', async () => {
    const client = await newClient()
    const body = { client_id: APPLICATION, certificate, private_key: privateKey, cloud: 'us-government' }

    expect((await stage.call('PUT', `/providers/microsoft?client=${client}`, body)).status).toBe(200)
    expect(await providers()).toContainEqual({
      provider: 'microsoft',
      client,
      credential: {
        kind: 'certificate',
        client_id: APPLICATION,
        cloud: 'us-government',
        thumbprint: expect.stringMatching(/^[0-9A-F]{40}$/),
        expires_at: expect.any(String),
      },
      sign_in: { client_id: APPLICATION },
      expires_at: expect.any(String),
      former_replaced_at: null,
      updated_at: expect.any(String),
    })
  })

  it('neither shows nor logs a secret', async () => {
    const said = JSON.stringify(await providers()) + stage.logged.join()

    expect(said).toContain('123456789012345678901')
    for (const secret of [SECRET, privateKey.split('\n')[1]!]) expect(said).not.toContain(secret)
  })

  it.each([
    ['a user credential', (key: object) => ({ key_file: { ...key, type: 'authorized_user' } }), 'key_file.type'],
    ['no numeric client id', (key: object) => ({ key_file: { ...key, client_id: 'x' } }), 'key_file.client_id'],
    ['an unreadable key', (key: object) => ({ key_file: { ...key, private_key: SECRET } }), 'key_file.private_key'],
    ['text for a key file', (key: object) => ({ key_file: JSON.stringify(key) }), 'key_file'],
    ['half an OAuth client', (key: object) => ({ key_file: key, oauth_client_id: 'x' }), 'oauth_client_secret'],
    ['an unknown property', (key: object) => ({ key_file: key, colour: 'red' }), 'colour'],
  ])('refuses at Google %s, naming the field and repeating nothing', async (_, bodyOf, field) => {
    const { status, fields, text } = await refusal('/providers/google', bodyOf(keyFile))

    expect({ status, fields }).toEqual({ status: 422, fields: [field] })
    expect(text).not.toContain(SECRET)
  })

  it.each([
    ['no proof', { client_id: APPLICATION }, 'client_secret'],
    ["a secret's id", { client_id: APPLICATION, client_secret: APPLICATION }, 'client_secret'],
    ['half a certificate', { client_id: APPLICATION, certificate: SECRET }, 'certificate'],
    ['two proofs', { client_id: APPLICATION, client_secret: SECRET, pfx: 'AAAA' }, 'client_secret'],
    ['what is no PFX', { client_id: APPLICATION, pfx: SECRET }, 'pfx'],
    ['a token file by halves', { client_id: APPLICATION, federated_token_file: 'token' }, 'federated_token_file'],
    ['a cloud of its own', { client_id: APPLICATION, client_secret: SECRET, cloud: SECRET }, 'cloud'],
    ['no application', { client_secret: SECRET }, 'client_id'],
    ['an application by name', { client_id: 'Acme', client_secret: SECRET }, 'client_id'],
    ['an unknown property', { client_id: APPLICATION, client_secret: SECRET, tenant: 'x' }, 'tenant'],
  ])('refuses at Microsoft %s, naming the field and repeating nothing', async (_, body, field) => {
    const { status, fields, text } = await refusal('/providers/microsoft', body)

    expect({ status, fields }).toEqual({ status: 422, fields: [field] })
    expect(text).not.toContain(SECRET)
  })

  it('knows two providers, and only clients that exist', async () => {
    expect(await refusal('/providers/yahoo', {})).toMatchObject({ status: 404 })
    expect(await refusal('/providers/google?client=cli_nobody', { key_file: keyFile })).toMatchObject({ status: 404 })
    expect(await refusal('/providers/google?client=', { key_file: keyFile })).toMatchObject({
      status: 422,
      fields: ['client'],
    })
  })
})
