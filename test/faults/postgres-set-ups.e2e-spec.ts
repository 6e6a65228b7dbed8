import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MikroORM } from '@mikro-orm/postgresql'
import pg from 'pg'
import { Database } from '#platform/database/database.js'
import { openEmbeddedPostgres } from '#platform/database/embedded-postgres.js'
import { migrate, ormOptions } from '#platform/database/migrate.js'
import { PlannedSessions } from '#platform/database/planned-sessions.js'
import { defineStatement } from '#platform/database/statement.js'
import { Secret } from '#platform/secrets/secret.js'
import { machineForTests } from '#platform/testing/machine-for-tests.js'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { newSigningKey, selfSignedCertificate } from '../../apps/sandbox/core/self-signed-certificate.js'
import { queuesOfThisMachine } from '../e2e/queue-store.js'
import { Stage } from '../e2e/stage.js'
import { startPooler } from './own-pooler.js'

const { pgbouncerPath } = machineForTests()
const withPooler = pgbouncerPath ? describe : describe.skip

withPooler.each(queuesOfThisMachine())('PostgreSQL behind a pooler in transaction mode, the queue on %s,', (queue) => {
  const { url } = testDatabase()

  it('serves everything, with the direct way for what needs a session', async () => {
    const pooler = await startPooler(pgbouncerPath!, url)
    // The stage looks behind the scenes by the first address; what it starts is told of both.
    const settings = { DATABASE_URL: pooler.url.reveal(), DATABASE_DIRECT_URL: url.reveal() }
    let stage: Stage | undefined
    try {
      stage = await Stage.open(url, { queue, settings, mailboxes: 40 })
      const acme = await stage.api.authorise(await stage.api.addClient(`Scheduler ${queue}`), 'acme')
      // Several times over: sessions change, and a plan that was made in one would be missing in the next.
      for (let round = 0; round < 3; round++) {
        const emails = Array.from(
          { length: 12 },
          (_, i) => `user${String(round * 12 + i + 1).padStart(5, '0')}@acme.test`,
        )
        await stage.ask(acme, ...emails.map((email) => ({ email, state: `${queue} ${email}` })))
        for (const email of emails) expect((await stage.told(`${queue} ${email}`)).code).toBeDefined()
      }
      expect(stage.logged.filter((line) => /"level":50/.test(line))).toEqual([])
    } finally {
      await stage?.close()
      await pooler.stop()
    }
  })
})

describe('PostgreSQL with TLS', () => {
  let folder: string
  let stop: () => Promise<void>
  let url: URL
  let ca: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mandate-tls-'))
    await chmod(folder, 0o711)
    const postgres = await openEmbeddedPostgres({ dataDirectory: folder, log: () => {} })
    stop = () => postgres.stop()
    url = new URL(postgres.url.reveal())
    const key = await newSigningKey()
    const certificate = selfSignedCertificate(key, 'localhost')
    ca = join(folder, 'ca.pem')
    await writeFile(ca, certificate)
    const client = new pg.Client({ connectionString: url.href })
    await client.connect()
    // Written by the server itself, which wants them to be its own.
    for (const [name, text] of Object.entries({
      crt: certificate,
      key: String(key.export({ type: 'pkcs8', format: 'pem' })),
    }))
      await client.query(
        `copy (select unnest(string_to_array('${text.trimEnd()}', E'\\n'))) to program 'umask 077 && cat > server.${name}'`,
      )
    await client.query('alter system set ssl = on')
    await client.query('select pg_reload_conf()')
    await client.end()
    url.hostname = 'localhost'
  })
  afterAll(async () => {
    await stop?.()
    await rm(folder, { recursive: true, force: true })
  })

  const withMode = (parameters: Record<string, string>) => {
    const asked = new URL(url)
    for (const [name, value] of Object.entries(parameters)) asked.searchParams.set(name, value)
    return new Secret(asked.href)
  }
  const USES_TLS = defineStatement<{ ssl: boolean }>(
    'uses-tls',
    'select ssl from pg_stat_ssl where pid = pg_backend_pid()',
  )

  it('is spoken to in secret by the migration, the ORM and the sessions that plan once, when the URL says so', async () => {
    const secret = withMode({ sslmode: 'verify-full', sslrootcert: ca })
    await migrate(secret)
    const orm = await MikroORM.init({ ...ormOptions(secret), entities: [], discovery: { warnWhenNoEntities: false } })
    const planned = new PlannedSessions(secret)
    try {
      expect(await new Database(orm, planned).run(USES_TLS, [])).toEqual([{ ssl: true }])
      expect(await planned.query(USES_TLS, [])).toEqual([{ ssl: true }])
    } finally {
      await planned.onApplicationShutdown()
      await orm.close()
    }
  })

  it('is refused when nobody that is trusted has signed for it', async () => {
    await expect(migrate(withMode({ sslmode: 'verify-full' }))).rejects.toThrow(/self-signed certificate/)
  })
})
