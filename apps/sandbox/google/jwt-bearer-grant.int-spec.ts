import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto'
import type { GaxiosError } from 'gaxios'
import { type Sandbox, startSandbox } from '../sandbox.js'
import { defaultSeed, type OperatorCredentials } from '../seed/default-seed.js'
import type { SandboxSeed } from '../seed/seed-schema.js'
import { JWT_BEARER } from './jwt-bearer-grant.js'
import type { ServiceAccountKeyFile } from './service-account-key-file.js'
import { vendorClients } from './vendor-clients.js'

const CALENDAR = 'https://www.googleapis.com/auth/calendar.readonly'
const USERS = 'https://www.googleapis.com/auth/admin.directory.user.readonly'

describe('the JWT-bearer grant', () => {
  let seed: SandboxSeed
  let operator: OperatorCredentials
  let sandbox: Sandbox
  let key: ServiceAccountKeyFile

  beforeAll(async () => {
    ;({ seed, operator } = await defaultSeed())
    key = operator.googleKeyFile
    sandbox = await startSandbox({ seed })
  })
  afterAll(() => sandbox.stop())

  beforeEach(() => {
    sandbox.google.reseed(seed.google)
    change('add-delegation', { clientId: key.client_id, scopes: [CALENDAR, USERS] })
  })

  const change = (name: string, input: Record<string, unknown>) => sandbox.google.mutate(name, input)

  /** With Google's own library. */
  const mint = async (subject: string | undefined, scopes = [CALENDAR], keyFile = key) => {
    const { credentials } = await authorised(subject, scopes, keyFile)
    return credentials
  }
  const authorised = async (subject: string | undefined, scopes: string[], keyFile: ServiceAccountKeyFile) => {
    const auth = vendorClients(sandbox.google.url, operator).delegated(keyFile, subject, scopes)
    await auth.authorize()
    return auth
  }
  const refusalOf = (minting: Promise<unknown>) =>
    minting.then(
      () => 'minted',
      (error: GaxiosError<{ error: string; error_description: string }>) => [
        error.status,
        error.response?.data.error,
        error.response?.data.error_description,
      ],
    )

  /** By hand, for what the library would never send. */
  const post = async (fields: Record<string, string>) => {
    const answer = await fetch(`${sandbox.google.url}/token`, { method: 'POST', body: new URLSearchParams(fields) })
    return [answer.status, (await answer.json()) as Record<string, unknown>] as const
  }
  const present = (claims: object, { header = { alg: 'RS256' } as object, privateKey = key.private_key } = {}) => {
    const now = Math.floor(Date.now() / 1000)
    const all = {
      iss: key.client_email,
      sub: 'anna@acme.test',
      scope: CALENDAR,
      aud: 'https://oauth2.googleapis.com/token',
      iat: now,
      exp: now + 3600,
      ...claims,
    }
    const signed = [header, all].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
    const signature = sign('RSA-SHA256', Buffer.from(signed), createPrivateKey(privateKey)).toString('base64url')
    return post({ grant_type: JWT_BEARER, assertion: `${signed}.${signature}` })
  }

  it('gives an opaque token that acts as the person', async () => {
    const auth = await authorised('anna@acme.test', [CALENDAR], key)
    expect(auth.credentials.access_token).toMatch(/^ya29\./)
    expect(auth.credentials.expiry_date! - Date.now()).toBeGreaterThan(3_590_000)
    expect(auth.credentials.refresh_token).toBe('jwt-placeholder') // the library's own, not from the wire
    const { data } = await vendorClients(sandbox.google.url, operator)
      .calendar(auth)
      .calendars.get({ calendarId: 'primary' })
    expect(data.id).toBe('anna@acme.test')
  })

  it('answers exactly the three fields that Google answers', async () => {
    const [status, body] = await present({})
    expect(status).toBe(200)
    expect(body).toEqual({ access_token: expect.any(String), expires_in: 3599, token_type: 'Bearer' })
  })

  it('takes an alias as subject, and a key id and type in the header', async () => {
    expect((await mint('anna.arnold@acme.test')).access_token).toBeDefined()
    expect((await present({}, { header: { alg: 'RS256', typ: 'JWT', kid: key.private_key_id } }))[0]).toBe(200)
  })

  it('gives the service account its own token when there is no subject', async () => {
    const auth = await authorised(undefined, [CALENDAR], key)
    const { data } = await vendorClients(sandbox.google.url, operator)
      .calendar(auth)
      .calendars.get({ calendarId: 'primary' })
    expect(data.id).toBe(key.client_email)
  })

  const UNAUTHORIZED = [
    401,
    'unauthorized_client',
    'Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the scopes requested.',
  ]
  const NO_SUCH_USER = [400, 'invalid_grant', 'Invalid email or User ID']
  const BAD_SIGNATURE = [400, 'invalid_grant', 'Invalid JWT Signature.']

  it.each<[string, () => unknown, [subject: string, scopes?: string[]], unknown[]]>([
    [
      'nothing is delegated',
      () => change('remove-delegation', { clientId: key.client_id }),
      ['anna@acme.test'],
      UNAUTHORIZED,
    ],
    ['the delegation is in another organisation', () => null, ['greg@globex.test'], UNAUTHORIZED],
    ['the domain is in no organisation', () => null, ['who@nowhere.test'], UNAUTHORIZED],
    [
      'none of the scopes is delegated',
      () => change('remove-delegation-scope', { clientId: key.client_id, scope: USERS }),
      ['anna@acme.test', [USERS]],
      UNAUTHORIZED,
    ],
    [
      'one of the scopes is not delegated',
      () => change('remove-delegation-scope', { clientId: key.client_id, scope: USERS }),
      ['anna@acme.test', [USERS, CALENDAR]],
      [403, 'access_denied', 'Requested client not authorized.'],
    ],
    [
      'a wider scope is delegated than asked for',
      () => change('add-delegation', { clientId: key.client_id, scopes: ['https://www.googleapis.com/auth/calendar'] }),
      ['anna@acme.test'],
      UNAUTHORIZED,
    ],
    [
      'the delegation has not arrived yet',
      () => change('add-delegation', { clientId: key.client_id, scopes: [CALENDAR], delayMs: 60_000 }),
      ['anna@acme.test'],
      UNAUTHORIZED,
    ],
    [
      'the administrator blocks the client',
      () => change('block-client', { clientId: key.client_id }),
      ['anna@acme.test'],
      [400, 'admin_policy_enforced', expect.any(String)],
    ],
    ['nobody has the address', () => null, ['nobody@acme.test'], NO_SUCH_USER],
    ['the person is suspended from the start', () => null, ['suspended@acme.test'], NO_SUCH_USER],
    [
      'the person has been suspended',
      () => change('suspend-user', { email: 'anna@acme.test' }),
      ['anna@acme.test'],
      NO_SUCH_USER,
    ],
    [
      'the person has been deleted',
      () => change('delete-user', { email: 'anna@acme.test' }),
      ['anna@acme.test'],
      [400, 'invalid_grant', 'The account has been deleted.'],
    ],
    [
      'the subject is no address',
      () => null,
      ['anna'],
      [400, 'invalid_request', expect.stringContaining('Invalid impersonation "sub"')],
    ],
    [
      'the key is disabled',
      () => change('disable-key', { serviceAccount: key.client_email }),
      ['anna@acme.test'],
      BAD_SIGNATURE,
    ],
    [
      'the service account is disabled',
      () => change('disable-service-account', { serviceAccount: key.client_id }),
      ['anna@acme.test'],
      [401, 'disabled_client', 'The OAuth client was disabled.'],
    ],
    [
      'the scope does not exist',
      () => null,
      ['anna@acme.test', ['https://www.googleapis.com/auth/calender']],
      [400, 'invalid_scope', 'Invalid OAuth scope or ID token audience provided.'],
    ],
  ])('refuses when %s', async (_when, prepare, [subject, scopes], refusal) => {
    prepare()
    expect(await refusalOf(mint(subject, scopes))).toEqual(refusal)
  })

  it('refuses a service account that it does not know, and a signature by another key', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const foreign = { ...key, private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }
    expect(await refusalOf(mint('anna@acme.test', [CALENDAR], foreign))).toEqual(BAD_SIGNATURE)
    const unknown = { ...key, client_email: 'gone@mandate-sandbox.iam.gserviceaccount.com' }
    expect(await refusalOf(mint('anna@acme.test', [CALENDAR], unknown))).toEqual([
      400,
      'invalid_grant',
      'Invalid grant: account not found',
    ])
  })

  it('believes in no more than five minutes of clock difference and 65 minutes of life', async () => {
    const now = Math.floor(Date.now() / 1000)
    const skew = [
      400,
      expect.objectContaining({
        error: 'invalid_grant',
        error_description: expect.stringContaining('short-lived token (60 minutes)'),
      }),
    ]
    expect(await present({ iat: now, exp: now + 66 * 60 })).toEqual(skew)
    expect(await present({ iat: now - 4000, exp: now - 400 })).toEqual(skew)
    expect(await present({ iat: now + 400, exp: now + 3000 })).toEqual(skew)
    expect(await present({ iat: now, exp: now - 1 })).toEqual(skew)
    expect(await present({ iat: 'soon' })).toEqual(skew)
    expect((await present({ iat: now + 200, exp: now + 3000 }))[0]).toBe(200)
    change('shift-clock', { seconds: 7200 })
    expect(await refusalOf(mint('anna@acme.test'))).toEqual([
      400,
      'invalid_grant',
      expect.stringContaining('short-lived'),
    ])
  })

  it('takes its own address and the older ones of Google as audience, and no other', async () => {
    for (const aud of [`${sandbox.google.url}/token`, 'https://www.googleapis.com/oauth2/v4/token']) {
      expect((await present({ aud }))[0]).toBe(200)
    }
    expect(await present({ aud: 'https://evil.test/token' })).toEqual([
      400,
      { error: 'invalid_grant', error_description: expect.stringContaining('Failed audience check') },
    ])
  })

  it('checks in the order of Google: the first thing wrong is the answer', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const foreign = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    const wrong = {
      iss: 'x@y.test',
      iat: 1,
      exp: 2,
      aud: 'https://evil.test',
      scope: 'nonsense',
      sub: 'nobody@globex.test',
    }
    const { iss: _1, ...withIssuer } = wrong
    const { iat: _2, exp: _3, ...withTimes } = withIssuer
    const { aud: _4, ...withAudience } = withTimes
    const { scope: _5, ...withScope } = withAudience
    const errorOf = async (...parameters: Parameters<typeof present>) =>
      (await present(...parameters))[1].error_description
    expect(await errorOf(wrong, { header: { alg: 'none' }, privateKey: foreign })).toContain('Failed to parse')
    expect(await errorOf(wrong, { privateKey: foreign })).toContain('account not found')
    change('disable-service-account', { serviceAccount: key.client_email })
    expect(await errorOf(withIssuer, { privateKey: foreign })).toContain('disabled')
    change('disable-service-account', { serviceAccount: key.client_email, disabled: false })
    expect(await errorOf(withIssuer, { privateKey: foreign })).toContain('Signature')
    expect(await errorOf(withIssuer)).toContain('short-lived')
    expect(await errorOf(withTimes)).toContain('audience')
    expect(await errorOf(withAudience)).toContain('Invalid OAuth scope')
    expect(await errorOf(withScope)).toContain('Client is unauthorized')
    expect(await errorOf({ sub: 'nobody@acme.test' })).toContain('Invalid email')
  })

  it.each<[string, Record<string, string>, string]>([
    ['no grant type', {}, 'invalid_request'],
    ['another grant type', { grant_type: 'password' }, 'unsupported_grant_type'],
    ['no assertion', { grant_type: JWT_BEARER }, 'invalid_request'],
    ['an assertion that is no JWT', { grant_type: JWT_BEARER, assertion: 'a.b' }, 'invalid_grant'],
    ['a JWT of nonsense', { grant_type: JWT_BEARER, assertion: 'a.b.c' }, 'invalid_grant'],
  ])('answers 400 to %s', async (_what, fields, error) => {
    expect(await post(fields)).toEqual([400, expect.objectContaining({ error })])
  })

  it('answers 400 to claims of strange types', async () => {
    for (const claims of [{ sub: ['anna@acme.test'] }, { iss: 7 }, { scope: { a: 1 } }, { aud: ['x'] }]) {
      expect((await present(claims))[0]).toBe(400)
    }
  })

  it('lets a delegation take effect after its delay, and keeps tokens after it is removed', async () => {
    change('add-delegation', { clientId: key.client_id, scopes: [CALENDAR], delayMs: 60_000 })
    expect(await refusalOf(mint('anna@acme.test'))).toEqual(UNAUTHORIZED)
    change('shift-clock', { seconds: 61 })
    const auth = await authorised('anna@acme.test', [CALENDAR], key)
    change('remove-delegation', { clientId: key.client_id })
    const { calendar } = vendorClients(sandbox.google.url, operator)
    expect((await calendar(auth).calendars.get({ calendarId: 'primary' })).status).toBe(200)
  })

  it('takes a key made later beside the first, and a service account made later', async () => {
    const second = (await change('create-key', { serviceAccount: key.client_email })) as ServiceAccountKeyFile
    change('disable-key', { serviceAccount: key.client_email, keyId: key.private_key_id })
    expect(await refusalOf(mint('anna@acme.test'))).toEqual(BAD_SIGNATURE)
    expect((await mint('anna@acme.test', [CALENDAR], second)).access_token).toBeDefined()
    const own = (await change('create-service-account', {
      email: 'sync@acme-it.iam.gserviceaccount.com',
    })) as ServiceAccountKeyFile
    expect(await refusalOf(mint('anna@acme.test', [CALENDAR], own))).toEqual(UNAUTHORIZED)
    change('add-delegation', { clientId: own.client_id, scopes: [CALENDAR], organisation: 'C01abc234' })
    expect((await mint('anna@acme.test', [CALENDAR], own)).access_token).toBeDefined()
  })

  it('restores people', async () => {
    change('delete-user', { email: 'anna@acme.test' })
    change('restore-user', { email: 'anna@acme.test' })
    expect((await mint('anna@acme.test')).access_token).toBeDefined()
  })
})
