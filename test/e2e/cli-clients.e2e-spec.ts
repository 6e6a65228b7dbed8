import { generateKeyPairSync } from 'node:crypto'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { type EmbeddedPostgres, openEmbeddedPostgres } from '#platform/database/embedded-postgres.js'
import { mandate, mandateJson } from './cli-process.js'

interface Registered {
  client_id: string
  client_secret: string
  name: string
  redirect_uris: string[]
  callback_origins: string[]
  signing_secret: string
}

describe('the operator looks after clients at a terminal', () => {
  let directory: string
  let settings: Record<string, string>

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'mandate-cli-'))
    await chmod(directory, 0o711) // when root runs this, the server's user passes through
    settings = { MANDATE_DATA_DIR: join(directory, 'data') }
  })
  afterAll(() => rm(directory, { recursive: true }))

  const create = (name: string) =>
    mandateJson<Registered>(
      [
        ...['clients', 'create', '--name', name, '--redirect-uri', 'https://app.acme.test/connected'],
        ...['--redirect-uri', 'http://localhost:3000/connected', '--callback-origin', 'https://app.acme.test'],
      ],
      settings,
    )

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

    it('sets where one is told of changes, on an origin of its own', async () => {
      const set = (url: string) => ['events', 'set-url', client_id, url]
      expect(await mandateJson(set('https://app.acme.test/events'), settings)).toEqual({
        ...{ client_id, event_url: 'https://app.acme.test/events' },
      })
      expect(await mandate(set('https://evil.test/events'), settings)).toMatchObject({
        ...{ exitCode: 2, stderr: expect.stringContaining('<url>: https://evil.test is not a callback origin') },
      })
      expect(await mandateJson(['events', 'list', '--client', client_id], settings)).toEqual({
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

      const rotated = await mandateJson<Record<string, string>>(['clients', 'rotate-secret', client_id], settings)
      expect(rotated).toEqual({
        client_id,
        client_secret: expect.stringMatching(/^[\w-]{43}$/),
        previous_secret_expires_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      })
      expect(rotated.client_secret).not.toBe(client.client_secret)

      const again = await mandate(['clients', 'rotate-secret', client_id, '--json'], settings)
      expect(again).toMatchObject({ exitCode: 1, stdout: '' })
      expect(JSON.parse(again.stderr)).toEqual({ error: 'conflict', error_description: expect.stringContaining('Two') })

      const shown = await mandateJson<{ secrets: object[] }>(['clients', 'show', client_id], settings)
      expect(shown).toMatchObject({ client_id, name: 'Acme Scheduler', disabled_at: null })
      expect(shown.secrets).toEqual([
        expect.objectContaining({ expires_at: null }),
        expect.objectContaining({ expires_at: rotated.previous_secret_expires_at }),
      ])

      const disabled = await mandateJson<{ disabled_at: string }>(['clients', 'disable', client_id], settings)
      expect(Date.parse(disabled.disabled_at)).not.toBeNaN()

      const list = await mandate(['clients', 'list', '--json'], settings)
      expect(JSON.parse(list.stdout).clients[0]).toMatchObject({ client_id, disabled_at: disabled.disabled_at })
      for (const secret of [client.client_secret, client.signing_secret, rotated.client_secret])
        expect(list.stdout + JSON.stringify(shown)).not.toContain(secret)
    }, 60_000)

    it('gives a client what its user tokens are signed with: a secret, or keys from standard input', async () => {
      const made = await mandateJson<Record<string, string>>(['clients', 'rotate-user-secret', client_id], settings)
      expect(made).toEqual({
        client_id,
        user_token_secret: expect.stringMatching(/^[\w-]{43}$/),
        previous_secret_expires_at: null,
      })
      const ended = await mandateJson(['clients', 'end-user-secrets', client_id], settings)
      expect(ended).toEqual({ client_id, ended: 1 })

      const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'a' }] }
      const set = ['clients', 'set-jwks', client_id]
      expect(await mandateJson([...set, '--jwks', '-'], settings, JSON.stringify(jwks))).toMatchObject({ jwks })
      const both = await mandate([...set, '--none', '--jwks-uri', 'https://app.acme.test/jwks.json'], settings)
      expect(both).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('give one of --jwks') })
    }, 60_000)

    it('lets a client be given tokens of the provider’s own, and takes that back', async () => {
      const say = (command: string) => mandateJson<object>(['clients', command, client_id], settings)
      expect(await say('allow-provider-tokens')).toMatchObject({ client_id, provider_tokens: true })
      expect(await say('forbid-provider-tokens')).toMatchObject({ client_id, provider_tokens: false })
    }, 60_000)

    it('gives a client an API key, lists it and revokes it', async () => {
      const scopes = ['oauth-api:query:*', 'oauth-api:mutation:*']
      const wanted = ['keys', 'create', '--client', client_id, ...scopes.flatMap((scope) => ['--scope', scope])]
      const made = await mandateJson<{ key: string; id: string }>(wanted, settings)
      expect(made).toEqual({ key: expect.stringMatching(/^mandate_/), id: expect.stringMatching(/^key_/), scopes })
      const revoked = await mandateJson<object>(['keys', 'revoke', made.id], settings)
      const listed = await mandateJson<{ keys: object[] }>(['keys', 'list', '--client', client_id], settings)
      expect(listed.keys).toEqual([revoked])
      expect(JSON.stringify(listed)).not.toContain(made.key)
      const wrong = await mandate(['keys', 'create', '--client', client_id, '--scope', 'root'], settings)
      expect(wrong).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(/^--scope: must be oauth-api:query/) })
    }, 60_000)

    it('says to a person what is shown only once, and what to do next', async () => {
      const { exitCode, stdout, stderr } = await mandate(['clients', 'create', '--name', 'Spoken To'], settings)

      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
      expect(stdout).toMatch(/client id +cli_/)
      expect(stdout).toMatch(/client secret +[\w-]{43}\n/)
      expect(stdout).toContain('shown this once')
    })

    it('ends with 1 for a client that does not exist', async () => {
      const { exitCode, stdout, stderr } = await mandate(['clients', 'disable', 'cli_nobody'], settings)

      expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' })
      expect(stderr).toContain('cli_nobody')
    })
  })
})
