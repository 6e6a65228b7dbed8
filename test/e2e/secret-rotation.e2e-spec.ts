import { spawn } from 'node:child_process'
import { once } from 'node:events'
import pg from 'pg'
import { Secret } from '#platform/secrets/secret.js'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { rowsOf } from '#platform/testing/rows-of.js'
import { newSigningKey } from '../../apps/sandbox/core/self-signed-certificate.js'
import { ADMIN_KEY, type AdminStage, newEncryptionKey, openAdminStage } from './admin-stage.js'
import { CLI, mandate, mandateJson } from './cli-process.js'

/** Three batches of data keys: the rotation can be stopped in the middle. */
const CLIENTS = 130
const [K1, K2] = [newEncryptionKey('k1'), newEncryptionKey('k2')]

interface Status {
  master_keys: { id: string; configured: string; data_keys: number; values: number; removable: boolean }[]
  values_of_retired_data_keys: number
  rotation_pending: boolean
}

describe('a master key that is replaced while requests run', () => {
  const { url } = testDatabase()
  const backup = copyOf(url)
  const cliSettings = (keys: string, database = url) => ({
    DATABASE_URL: database.reveal(),
    MANDATE_ENCRYPTION_KEYS: keys,
  })
  const open = (keys: string) => openAdminStage(url, ADMIN_KEY, keys)
  const status = () => mandateJson<Status>(['secrets', 'status'], cliSettings(`${K2},${K1}`))
  const useOf = ({ master_keys }: Status, key: string) => master_keys.find(({ id }) => id === key)!

  beforeAll(async () => {
    const stage = await open(K1)
    const key = await newSigningKey()
    const answer = await stage.call('PUT', '/providers/google', {
      key_file: {
        type: 'service_account',
        client_id: '123456789012345678901',
        client_email: 'calendar@acme.iam.gserviceaccount.com',
        private_key: key.export({ type: 'pkcs8', format: 'pem' }),
        private_key_id: 'abc123',
      },
    })
    expect(answer.status).toBe(200)
    for (let client = 0; client < CLIENTS; client++) await stage.call('POST', '/clients', { name: `Client ${client}` })
    await stage.close()
    await rowsOf(inDatabase(url, 'postgres'), `create database "${nameOf(backup)}" template "${nameOf(url)}"`)
  }, 60_000)

  it('is left by everything, with no request failing, though the rotation is killed in the middle', async () => {
    // The roll-out: one process has the new key first, another not yet. Then all of them do, and the rotation begins.
    const [early, late] = [await open(`${K2},${K1}`), await open(`${K1},${K2}`)]
    const load = new Load([early, late])
    await load.until(20)
    await late.close()
    load.stages = [early]

    const blocked = await lockDataKeyNumber(url, 70)
    await killAfterFirstBatch(['secrets', 'rotate'], cliSettings(`${K2},${K1}`))
    const between = (await (await early.call('GET', '/secrets')).json()) as Status
    await blocked.end()
    await load.until(40)
    const again = await mandateJson<{ finished: boolean; data_keys_rewrapped: number }>(
      ['secrets', 'rotate'],
      cliSettings(`${K2},${K1}`),
    )
    await load.until(60)
    const errors = await load.stop()
    const after = await status()
    await early.close()

    expect(errors).toEqual([])
    expect(between.rotation_pending).toBe(true)
    expect(useOf(between, 'k1').data_keys).toBeGreaterThan(0)
    expect(useOf(between, 'k1').removable).toBe(false)
    expect(useOf(between, 'k2').data_keys).toBeGreaterThanOrEqual(50)
    expect(again.finished).toBe(true)
    expect(again.data_keys_rewrapped).toBeGreaterThan(0)
    expect(after.rotation_pending).toBe(false)
    expect(useOf(after, 'k1')).toMatchObject({ configured: 'older', data_keys: 0, values: 0, removable: true })
    expect(useOf(after, 'k2').values).toBeGreaterThan(CLIENTS * 2)
  }, 120_000)

  it('is not needed any more afterwards: the new one alone opens every value, and gives clients new data keys', async () => {
    const stage = await open(K2)
    const before = ((await (await stage.call('GET', '/secrets')).json()) as Status).master_keys[0]!
    const answer = await stage.call('POST', '/secrets/rotate', { data_keys: true })
    const body = (await answer.json()) as Record<string, number>

    expect(body).toMatchObject({ finished: true, master_key: 'k2', values_resealed: before.values, unreadable: [] })
    expect(body.data_keys_retired).toBe(before.data_keys)
    expect(await (await stage.call('GET', '/secrets')).json()).toMatchObject({ values_of_retired_data_keys: 0 })

    await rowsOf(url, `update data_keys set retired_at = retired_at - interval '2 hours'`)
    expect(await (await stage.call('POST', '/secrets/rotate')).json()).toMatchObject({
      data_keys_deleted: before.data_keys,
      values_resealed: 0,
    })
    expect((await stage.call('GET', '/providers')).status).toBe(200)
    expect(await (await stage.call('POST', '/secrets/rotate', { data_keys: 'yes' })).json()).toEqual({
      errors: { data_keys: [expect.objectContaining({ description: 'must be true or false' })] },
    })
    await stage.close()
  }, 60_000)

  it('is replaced whole however often its rotation dies, at whatever point, and leaves nothing on the old one', async () => {
    const K3 = newEncryptionKey('k3')
    const settings = (point?: string) => ({
      ...cliSettings(`${K3},${K2}`),
      ...(point && { MANDATE_FAIL_POINT: point }),
    })
    const deaths: unknown[] = []
    const points = ['rewrap-data-keys.rewrapping:2', 'rewrap-data-keys.rewrapped', 'reseal-values.resealing']
    for (const point of [...points, 'reseal-values.resealed:2', 'rotate-secrets.signed']) {
      const { exitCode, stderr } = await mandate(['secrets', 'rotate', '--data-keys'], settings(point))
      deaths.push([exitCode, stderr.includes('Mandate could not')])
    }
    expect(deaths).toEqual(Array(5).fill([null, false]))
    const finished = await mandateJson<Record<string, unknown>>(['secrets', 'rotate'], settings())
    expect(finished).toMatchObject({ finished: true, unreadable: [] })
    const now = await mandateJson<Status>(['secrets', 'status'], settings())
    expect(now).toMatchObject({ rotation_pending: false, values_of_retired_data_keys: 0 })
    expect(useOf(now, 'k2')).toMatchObject({ data_keys: 0, values: 0, removable: true })
    const opened = await mandate(['providers', 'show'], cliSettings(K3))
    expect(opened.stdout).toContain('calendar@acme.iam.gserviceaccount.com')
  }, 120_000)

  it('still opens a backup of before, which then comes under the new one by the same command', async () => {
    const refused = await mandate(['providers', 'show'], cliSettings(K2, backup))
    const opened = await mandate(['providers', 'show'], cliSettings(K1, backup))
    await mandateJson(['secrets', 'rotate'], cliSettings(`${K2},${K1}`, backup))
    const moved = await mandate(['providers', 'show'], cliSettings(K2, backup))

    expect(refused.exitCode).toBe(1)
    expect(refused.stderr).toContain(`MANDATE_ENCRYPTION_KEYS lacks the key "k1", which wraps ${CLIENTS + 1} data keys`)
    expect([opened.exitCode, moved.exitCode]).toEqual([0, 0])
    expect(moved.stdout).toBe(opened.stdout)
    expect(opened.stdout).toContain('calendar@acme.iam.gserviceaccount.com')
  }, 60_000)
})

/** Registers clients, rotates their secrets and opens the operator's, over and over, at each stage in turn. */
class Load {
  #stopped = false
  #rounds = 0
  readonly #errors: string[] = []
  readonly #running: Promise<void>

  constructor(public stages: AdminStage[]) {
    this.#running = this.#run()
  }

  /** Resolves when that many rounds have been made in all. */
  async until(rounds: number): Promise<void> {
    while (this.#rounds < rounds && this.#errors.length === 0) await new Promise((resolve) => setImmediate(resolve))
  }

  /** @returns what went wrong */
  async stop(): Promise<string[]> {
    this.#stopped = true
    await this.#running
    return this.#errors
  }

  async #run(): Promise<void> {
    for (; !this.#stopped; this.#rounds++) {
      const stage = this.stages[this.#rounds % this.stages.length]!
      const registered = await this.#call(stage, 'POST', '/clients', { name: 'Under load' })
      await this.#call(stage, 'POST', `/clients/${registered.client_id}/secrets`)
      await this.#call(stage, 'GET', '/providers')
    }
  }

  async #call(stage: AdminStage, method: string, path: string, body?: unknown) {
    const answer = await stage.call(method, path, body)
    if (!answer.ok) this.#errors.push(`${method} ${path}: ${answer.status}`)
    return (await answer.json()) as { client_id?: string }
  }
}

/** Whoever wants to rewrap this one waits until the connection ends. */
async function lockDataKeyNumber(databaseUrl: Secret<string>, number: number): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: databaseUrl.reveal() })
  await client.connect()
  await client.query('begin')
  await client.query(
    `select 1 from data_keys where id =
       (select id from data_keys where master_key_id = 'k1' order by id offset $1 limit 1) for update`,
    [number],
  )
  return client
}

async function killAfterFirstBatch(words: string[], settings: Record<string, string>): Promise<void> {
  const child = spawn(process.execPath, [CLI, ...words], { env: settings, stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = once(child, 'exit')
  const [said] = await Promise.race([once(child.stderr, 'data'), ended])
  expect(String(said)).toContain('data keys rewrapped')
  child.kill('SIGKILL')
  await ended
}

function nameOf(database: Secret<string>): string {
  return new URL(database.reveal()).pathname.slice(1)
}

function inDatabase(like: Secret<string>, name: string): Secret<string> {
  const url = new URL(like.reveal())
  url.pathname = name
  return new Secret(url.href)
}

/** Named like the tests' own databases, so that it is dropped with them. */
function copyOf(database: Secret<string>): Secret<string> {
  return inDatabase(database, `${nameOf(database)}_backup`)
}
