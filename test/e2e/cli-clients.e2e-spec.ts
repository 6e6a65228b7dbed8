import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { type EmbeddedPostgres, openEmbeddedPostgres } from '#platform/database/embedded-postgres.js'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { commandLineInProcess } from './cli-in-process.js'
import { mandateJson } from './cli-process.js'

interface Registered {
  client_id: string
  client_secret: string
  name: string
  redirect_uris: string[]
  callback_origins: string[]
  signing_secret: string
}

const creating = (name: string) => [
  ...['clients', 'create', '--name', name, '--redirect-uri', 'https://app.acme.test/connected'],
  ...['--redirect-uri', 'http://localhost:3000/connected', '--callback-origin', 'https://app.acme.test'],
]

describe('the operator looks after clients at a terminal', () => {
  let directory: string
  let settings: Record<string, string>

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'mandate-cli-'))
    await chmod(directory, 0o711) // when root runs this, the server's user passes through
    settings = { MANDATE_DATA_DIR: join(directory, 'data') }
  })
  afterAll(() => rm(directory, { recursive: true }))

  const create = (name: string) => mandateJson<Registered>(creating(name), settings)

  it('needs nothing but a directory: each command starts the embedded PostgreSQL in it and stops it again', async () => {
    const { client_id } = await create('The First')

    const { clients } = await mandateJson<{ clients: Registered[] }>(['clients', 'list'], settings)

    expect(clients).toMatchObject([{ client_id, name: 'The First' }])
  }, 60_000)

  describe('while another process has that database open', () => {
    let standalone: EmbeddedPostgres
    let client_id: string

    beforeAll(async () => {
      standalone = await openEmbeddedPostgres({ dataDirectory: settings.MANDATE_DATA_DIR!, log: () => {} })
      client_id = (await create('During')).client_id
    })
    afterAll(() => standalone.stop())

    it('leaves it running', async () => {
      const server = new pg.Client({ connectionString: standalone.url.reveal() })
      await server.connect()

      expect((await server.query('select name from clients where id = $1', [client_id])).rows).toEqual([
        { name: 'During' },
      ])
      await server.end()
    })
  })
})

describe('of clients the operator', () => {
  const { url } = testDatabase()
  const settings = {
    DATABASE_URL: url.reveal(),
    MANDATE_ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`,
  }
  const here = commandLineInProcess(settings)
  const create = (name: string) => here.mandateJson<Registered>(creating(name))
  let client_id: string

  beforeAll(async () => {
    client_id = (await create('The First')).client_id
  })

  it('sets where one is told of changes, on an origin of its own', async () => {
    const set = (url: string) => ['events', 'set-url', client_id, url]
    expect(await here.mandateJson(set('https://app.acme.test/events'))).toEqual({
      ...{ client_id, event_url: 'https://app.acme.test/events' },
    })
    expect(await here.mandate(set('https://evil.test/events'))).toMatchObject({
      ...{ exitCode: 2, stderr: expect.stringContaining('<url>: https://evil.test is not a callback origin') },
    })
    expect(await here.mandateJson(['events', 'list', '--client', client_id])).toEqual({
      ...{ events: [], next_cursor: null },
    })
  })

  it('registers one, rotates its secret once and not twice, and shuts it out', async () => {
    const client = await create('Acme Scheduler')
    expect(client).toEqual({
      client_id: expect.stringMatching(/^cli_[0-9a-f]{24}$/),
      client_secret: expect.stringMatching(/^[\w-]{43}$/),
      name: 'Acme Scheduler',
      redirect_uris: ['https://app.acme.test/connected', 'http://localhost:3000/connected'],
      callback_origins: ['https://app.acme.test'],
      signing_secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/),
    })
    const { client_id } = client

    const rotated = await here.mandateJson<Record<string, string>>(['clients', 'rotate-secret', client_id])
    expect(rotated).toEqual({
      client_id,
      client_secret: expect.stringMatching(/^[\w-]{43}$/),
      previous_secret_expires_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    })
    expect(rotated.client_secret).not.toBe(client.client_secret)

    const again = await here.mandate(['clients', 'rotate-secret', client_id, '--json'])
    expect(again).toMatchObject({ exitCode: 1, stdout: '' })
    expect(JSON.parse(again.stderr)).toEqual({ error: 'conflict', error_description: expect.stringContaining('Two') })

    const shown = await here.mandateJson<{ secrets: object[] }>(['clients', 'show', client_id])
    expect(shown).toMatchObject({ client_id, name: 'Acme Scheduler', disabled_at: null })
    expect(shown.secrets).toEqual([
      expect.objectContaining({ expires_at: null }),
      expect.objectContaining({ expires_at: rotated.previous_secret_expires_at }),
    ])

    const disabled = await here.mandateJson<{ disabled_at: string }>(['clients', 'disable', client_id])
    expect(Date.parse(disabled.disabled_at)).not.toBeNaN()

    const list = await here.mandate(['clients', 'list', '--json'])
    expect(JSON.parse(list.stdout).clients[0]).toMatchObject({ client_id, disabled_at: disabled.disabled_at })
    for (const secret of [client.client_secret, client.signing_secret, rotated.client_secret])
      expect(list.stdout + JSON.stringify(shown)).not.toContain(secret)
  }, 60_000)

  it('gives a client what its user tokens are signed with: a secret, or keys from standard input', async () => {
    const made = await here.mandateJson<Record<string, string>>(['clients', 'rotate-user-secret', client_id])
    expect(made).toEqual({
      client_id,
      user_token_secret: expect.stringMatching(/^[\w-]{43}$/),
      previous_secret_expires_at: null,
    })
    const ended = await here.mandateJson(['clients', 'end-user-secrets', client_id])
    expect(ended).toEqual({ client_id, ended: 1 })

    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'a' }] }
    const set = ['clients', 'set-jwks', client_id]
    expect(await mandateJson([...set, '--jwks', '-'], settings, JSON.stringify(jwks))).toMatchObject({ jwks })
    const both = await here.mandate([...set, '--none', '--jwks-uri', 'https://app.acme.test/jwks.json'])
    expect(both).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('give one of --jwks') })
  }, 60_000)

  it('lets a client be given tokens of the provider’s own, and takes that back', async () => {
    const say = (command: string) => here.mandateJson<object>(['clients', command, client_id])
    expect(await say('allow-provider-tokens')).toMatchObject({ client_id, provider_tokens: true })
    expect(await say('forbid-provider-tokens')).toMatchObject({ client_id, provider_tokens: false })
  }, 60_000)

  it('gives a client an API key, lists it and revokes it', async () => {
    const scopes = ['oauth-api:query:*', 'oauth-api:mutation:*']
    const wanted = ['keys', 'create', '--client', client_id, ...scopes.flatMap((scope) => ['--scope', scope])]
    const made = await here.mandateJson<{ key: string; id: string }>(wanted)
    expect(made).toEqual({ key: expect.stringMatching(/^mandate_/), id: expect.stringMatching(/^key_/), scopes })
    const revoked = await here.mandateJson<object>(['keys', 'revoke', made.id])
    const listed = await here.mandateJson<{ keys: object[] }>(['keys', 'list', '--client', client_id])
    expect(listed.keys).toEqual([revoked])
    expect(JSON.stringify(listed)).not.toContain(made.key)
    const wrong = await here.mandate(['keys', 'create', '--client', client_id, '--scope', 'root'])
    expect(wrong).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(/^--scope: must be oauth-api:query/) })
  }, 60_000)

  it('says to a person what is shown only once, and what to do next', async () => {
    const { exitCode, stdout, stderr } = await here.mandate(['clients', 'create', '--name', 'Spoken To'])

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout).toMatch(/client id +cli_/)
    expect(stdout).toMatch(/client secret +[\w-]{43}\n/)
    expect(stdout).toContain('shown this once')
  })

  it('ends with 1 for a client that does not exist', async () => {
    const { exitCode, stdout, stderr } = await here.mandate(['clients', 'disable', 'cli_nobody'])

    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' })
    expect(stderr).toContain('cli_nobody')
  })
})
