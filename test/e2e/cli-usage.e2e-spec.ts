import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { mandate } from './cli-process.js'

/** Port 1 answers nowhere. */
const NOBODYS = 'postgres://127.0.0.1:1/nobody'

describe('the command line', () => {
  const { url } = testDatabase()
  const keys = `k1:${randomBytes(32).toString('base64')}`
  let directory: string
  let settings: Record<string, string>

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'mandate-cli-'))
    settings = { MANDATE_DATA_DIR: directory }
  })
  afterEach(() => rm(directory, { recursive: true }))

  it('explains a command at once, whatever the settings are', async () => {
    const { exitCode, stdout, stderr } = await mandate(['clients', 'create', '--help'], { DATABASE_URL: 'nonsense' })

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout).toMatch(/^Usage: mandate clients create /)
  })

  it('brings the schema up without any key, and again', async () => {
    for (const _ of ['first', 'second']) {
      const { exitCode, stdout } = await mandate(['migrate', '--json'], { ...settings, DATABASE_URL: url.reveal() })
      expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '{"migrated":true}\n' })
    }
  })

  it.each([
    { words: ['clients', 'create'], names: '--name' },
    { words: ['clients', 'create', '--name', ''], names: '--name' },
    { words: ['clients', 'create', '--name', 'x', '--colour', 'red'], names: '--colour' },
    { words: ['clients', 'show'], names: 'client-id' },
    { words: ['clients', 'lst'], names: 'lst' },
    { words: ['clients', 'list', 'all'], names: 'too many arguments' },
    { words: ['providers', 'set', 'google', '--service-account', '/nowhere/key.json'], names: '--service-account' },
    { words: ['providers', 'set', 'google', '--oauth-client-id', 'x'], names: '--oauth-client-secret' },
    { words: ['providers', 'set', 'microsoft', '--client-secret', 'x'], names: '--client-id' },
    { words: ['providers', 'set', 'microsoft', '--client-id', 'x', '--client-secret', 'y'], names: '--client-id' },
  ])('ends $words with 2 and names $names', async ({ words, names }) => {
    const { exitCode, stdout, stderr } = await mandate([...words, '--json'], withDatabase())

    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(JSON.parse(stderr)).toEqual({
      error: expect.stringMatching(/^(usage|validation_failed)$/),
      error_description: expect.stringContaining(names),
    })
  })

  it('names every mistake of a command at once, and which of several values is meant', async () => {
    const redirects = ['--redirect-uri', 'https://a.test/', '--redirect-uri', 'http://a.test/']
    const origin = ['--callback-origin', 'https://a.test/b']
    const { exitCode, stderr } = await mandate(
      ['clients', 'create', '--name', 'x', ...redirects, ...origin],
      withDatabase(),
    )

    expect(exitCode).toBe(2)
    expect(stderr).toMatch(/^--redirect-uri \(number 2\): must be https/m)
    expect(stderr).toMatch(/^--callback-origin: /m)
  })

  it('tells a person the same in words, and where to read on', async () => {
    const { exitCode, stdout, stderr } = await mandate(['clients', 'create'], settings)

    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(stderr).toContain("required option '--name <name>'")
    expect(stderr).toContain('--help')
  })

  it('does not repeat a secret that it refuses', async () => {
    const secret = '9a1c3a5e-7777-4bbb-8ccc-123456789abc' // a GUID is a secret's id, and refused
    const words = ['providers', 'set', 'microsoft', '--client-id', secret, '--client-secret', secret]

    const { exitCode, stderr } = await mandate(words, withDatabase())

    expect(exitCode).toBe(2)
    expect(stderr).toContain('--client-secret')
    expect(stderr).not.toContain(secret)
  })

  it('makes no sealing key beside a database that other processes share', async () => {
    const { exitCode, stderr } = await mandate(['clients', 'list'], {
      ...settings,
      DATABASE_URL: NOBODYS,
    })

    expect(exitCode).toBe(1)
    expect(stderr).toContain('MANDATE_ENCRYPTION_KEYS')
    expect(await readdir(directory)).toEqual([])
  })

  it('tells which variable of the configuration is wrong, and not its value', async () => {
    const { exitCode, stderr } = await mandate(['clients', 'list', '--json'], {
      ...settings,
      DATABASE_URL: 'mysql://user:word@host/db',
    })

    expect(exitCode).toBe(1)
    expect(JSON.parse(stderr)).toEqual({
      error: 'configuration',
      error_description: expect.stringContaining('DATABASE_URL must be a postgres:// URL'),
    })
    expect(stderr).not.toContain('word')
  })

  it('refuses another key than the one that the database was sealed with, and says which and what would be right', async () => {
    await mandate(['clients', 'list'], withDatabase())
    const { exitCode, stderr } = await mandate(['clients', 'list', '--json'], {
      ...withDatabase(),
      MANDATE_ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`,
    })

    expect(exitCode).toBe(1)
    expect(JSON.parse(stderr)).toEqual({
      error: 'configuration',
      error_description: expect.stringContaining('MANDATE_ENCRYPTION_KEYS holds another key under the id "k1"'),
    })
  })

  it('says so when the database cannot be reached', async () => {
    const { exitCode, stdout, stderr } = await mandate(['clients', 'list'], {
      ...withDatabase(),
      DATABASE_URL: NOBODYS,
    })

    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' })
    expect(stderr).toContain('cannot be reached')
  })

  it('refuses a file that is no key file without repeating it', async () => {
    const file = join(directory, 'key.json')
    await writeFile(file, '{"type":"authorized_user","refresh_token":"1//very-secret"}')

    const { exitCode, stderr } = await mandate(
      ['providers', 'set', 'google', '--service-account', file],
      withDatabase(),
    )

    expect(exitCode).toBe(2)
    expect(stderr).toContain('--service-account')
    expect(stderr).not.toContain('very-secret')
  })

  const withDatabase = () => ({
    ...settings,
    DATABASE_URL: url.reveal(),
    MANDATE_ENCRYPTION_KEYS: keys,
  })
})
