import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PFX_PASSWORD, PFX_WITH_AES } from '#domain/providers/microsoft/pfx-for-tests.js'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { newSigningKey, selfSignedCertificate } from '../../apps/sandbox/core/self-signed-certificate.js'
import { commandLineInProcess } from './cli-in-process.js'
import { mandateJson } from './cli-process.js'

const APPLICATION = '11111111-2222-4333-8444-555555555555'
const GOOGLE_SECRET = 'GOCSPX-not-for-anybody'
const MICROSOFT_SECRET = 'abc8Q~not-for-anybody'

describe('the operator sets provider credentials at a terminal', () => {
  const { url } = testDatabase()
  let directory: string
  const settings = {
    DATABASE_URL: url.reveal(),
    MANDATE_ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`,
  }
  const here = commandLineInProcess(settings)
  let privateKey: string

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'mandate-cli-'))
    const key = await newSigningKey()
    privateKey = key.export({ type: 'pkcs8', format: 'pem' }) as string
    const keyFile = {
      type: 'service_account',
      client_id: '123456789012345678901',
      client_email: 'calendar@acme.iam.gserviceaccount.com',
      private_key: privateKey,
      private_key_id: 'abc123',
    }
    await write('key.json', JSON.stringify(keyFile))
    await write('key.pem', privateKey)
    await write('cert.pem', selfSignedCertificate(key, 'Mandate'))
    await write('secret.txt', `${MICROSOFT_SECRET}\n`)
  })
  afterAll(() => rm(directory, { recursive: true }))

  const pathTo = (name: string) => join(directory, name)
  const write = (name: string, content: string) => writeFile(pathTo(name), content)
  type Shown = Record<string, unknown>
  const set = (words: string[]) => here.mandateJson<Shown>(['providers', 'set', ...words])
  const setWithStdin = (words: string[], stdin: string) =>
    mandateJson<Shown>(['providers', 'set', ...words], settings, stdin)

  it('takes a Google key file first, and the OAuth client later, its secret from standard input', async () => {
    const acting = await set(['google', '--service-account', pathTo('key.json')])
    expect(acting).toMatchObject({
      provider: 'google',
      client: null,
      credential: { client_id: '123456789012345678901', email: 'calendar@acme.iam.gserviceaccount.com' },
      sign_in: null,
    })

    const oauth = ['--oauth-client-id', 'acme.apps.googleusercontent.com', '--oauth-client-secret', '-']
    expect(await setWithStdin(['google', ...oauth], `${GOOGLE_SECRET}\n`)).toMatchObject({
      credential: acting.credential,
      sign_in: { client_id: 'acme.apps.googleusercontent.com' },
    })
  })

  it('takes a Microsoft secret from a file, for one client alone', async () => {
    const { client_id } = await here.mandateJson<{ client_id: string }>(['clients', 'create', '--name', 'Acme'])
    const words = ['microsoft', '--client-id', APPLICATION, '--client-secret', `@${pathTo('secret.txt')}`]

    expect(await set([...words, '--client', client_id])).toMatchObject({
      client: client_id,
      credential: { kind: 'client_secret', client_id: APPLICATION },
      sign_in: { client_id: APPLICATION },
    })
  })

  it('takes a certificate, from two files or from one, and signs administrators in with it too', async () => {
    const words = ['--certificate', pathTo('cert.pem'), '--key', pathTo('key.pem')]
    const text = await here.mandate(['providers', 'set', 'microsoft', '--client-id', APPLICATION, ...words])
    expect(text).toMatchObject({ exitCode: 0, stderr: '' })
    expect(text.stdout).toMatch(/certificate [0-9A-F]{40}, valid until \d{4}-/)
    expect(text.stdout).toMatch(new RegExp(`signs in with +${APPLICATION}`))

    await writeFile(pathTo('app.pfx'), Buffer.from(PFX_WITH_AES, 'base64'))
    const pfx = ['--pfx', pathTo('app.pfx'), '--password', '-', '--cloud', 'china']
    expect(await setWithStdin(['microsoft', '--client-id', APPLICATION, ...pfx], PFX_PASSWORD)).toMatchObject({
      credential: { kind: 'certificate', client_id: APPLICATION, cloud: 'china' },
      sign_in: { client_id: APPLICATION },
    })
  })

  it('takes the path of a federated token, and one proof at a time', async () => {
    const words = ['microsoft', '--client-id', APPLICATION, '--federated-token-file', '/var/run/secrets/token']
    expect(await set(words)).toMatchObject({
      credential: { kind: 'federated_token', token_file: '/var/run/secrets/token', cloud: 'global' },
    })
    const { exitCode, stderr } = await here.mandate(['providers', 'set', ...words, '--client-secret', MICROSOFT_SECRET])
    expect(exitCode).toBe(2)
    expect(stderr).toContain('--client-secret: Give one proof only')
  })

  it('goes back to the credential before, and says when there is none', async () => {
    const rolledBack = await here.mandateJson(['providers', 'rollback', 'microsoft'])
    expect(rolledBack).toMatchObject({ credential: { kind: 'certificate', cloud: 'china' }, client: null })
    expect(await here.mandate(['providers', 'rollback', 'google'])).toMatchObject({
      ...{ exitCode: 1, stderr: expect.stringContaining('never acted with another credential') },
    })
  })

  it('shows all of them, and no secret', async () => {
    const { providers } = await here.mandateJson<{ providers: object[] }>(['providers', 'show'])
    const { stdout } = await here.mandate(['providers', 'show'])

    expect(providers).toHaveLength(3)
    expect(stdout).toContain('123456789012345678901')
    for (const secret of [GOOGLE_SECRET, MICROSOFT_SECRET, privateKey.split('\n')[1]!])
      expect(stdout + JSON.stringify(providers)).not.toContain(secret)
  })

  it('refuses a client that does not exist', async () => {
    const words = ['providers', 'set', 'google', '--service-account', pathTo('key.json'), '--client', 'cli_nobody']

    expect(await here.mandate(words)).toMatchObject({
      exitCode: 1,
      stdout: '',
      stderr: expect.stringContaining('cli_nobody'),
    })
  })
})
