import { createHash, createPublicKey, randomBytes, verify } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { mandate, mandateJson } from './cli-process.js'

describe('the audit at a terminal', () => {
  const { url } = testDatabase()
  let directory: string
  let settings: Record<string, string>

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'mandate-audit-'))
    const key = `k1:${randomBytes(32).toString('base64')}`
    settings = { DATABASE_URL: url.reveal(), MANDATE_ENCRYPTION_KEYS: key, MANDATE_DATA_DIR: directory }
  })
  afterAll(() => rm(directory, { recursive: true }))

  const sql = async (text: string, values: unknown[] = []) => {
    const server = new pg.Client({ connectionString: url.reveal() })
    await server.connect()
    await server.query(text, values).finally(() => server.end())
  }
  const run = (...words: string[]) => mandate(['audit', ...words], settings)

  it('is exported with a signature that others can check, and verified against it', async () => {
    const { client_id } = await mandateJson<{ client_id: string }>(['clients', 'create', '--name', 'Acme'], settings)
    await mandateJson(['clients', 'rotate-secret', client_id], settings)

    const exported = await run('export', '--client', client_id)
    expect({ exitCode: exported.exitCode, stderr: exported.stderr }).toEqual({ exitCode: 0, stderr: '' })
    const lines = exported.stdout.trimEnd().split('\n')
    const events = lines.slice(0, -1).map((line) => JSON.parse(line))
    expect(events.map(({ act }) => act)).toEqual(['client.registered', 'client.secret_rotated', 'audit.exported'])
    expect(events[0]).toMatchObject({ client_id, sequence: 1, actor: expect.stringMatching(/^cli:/) })

    const { signature, ...sealed } = JSON.parse(lines.at(-1)!).export
    const bytes = Buffer.from(signature.split('.')[2], 'base64url')
    const isGenuine = (seal: object) =>
      verify(null, Buffer.from(JSON.stringify(seal)), createPublicKey(sealed.public_key), bytes)
    expect(isGenuine(sealed)).toBe(true)
    expect(isGenuine({ ...sealed, lines: 2 })).toBe(false)
    const digest = createHash('sha256').update(exported.stdout.slice(0, exported.stdout.indexOf('{"export"')))
    expect(sealed).toMatchObject({ lines: 3, sha256: digest.digest('hex'), heads: [{ client_id, sequence: 3 }] })

    const file = join(directory, 'export.ndjson')
    await writeFile(file, exported.stdout)
    const whole = await run('verify', '--head', file, '--json')
    expect({ exitCode: whole.exitCode, ...JSON.parse(whole.stdout) }).toMatchObject({ exitCode: 0, intact: true })
    const nothing = await run('mailbox', 'anna@acme.test', '--on', '2026-11-21', '--json')
    expect(JSON.parse(nothing.stdout).readers).toEqual([])

    await sql(`update audit_events set actor = 'cli:nobody' where client_id = $1 and sequence = 2`, [client_id])
    const broken = await run('verify', '--client', client_id, '--json')
    expect({ exitCode: broken.exitCode, ...JSON.parse(broken.stdout) }).toMatchObject({
      exitCode: 1,
      intact: false,
      chains: [{ client: client_id, rows: 1, finding: { tampering: 'edited', sequence: 2 } }],
    })
    const spoken = await run('verify')
    expect(spoken.stdout).toContain(`${client_id}: row 2 was edited.`)
  }, 120_000)

  it.each([
    [['verify', '--head', '/nowhere'], '--head'],
    [['export', '--from', 'yesterday'], '--from'],
    [['mailbox', 'anna@acme.test', '--on', 'monday'], '--on'],
  ])('refuses %j, naming %s', async (words, option) => {
    const { exitCode, stderr } = await run(...words)
    expect(exitCode).toBe(2)
    expect(stderr).toContain(option)
  })
})
