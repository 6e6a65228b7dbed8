import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { Secret } from '#platform/secrets/secret.js'
import { machineForTests } from './machine-for-tests.js'

const TEMPLATE = 'mandate_template'
/** Any constant of our own: the first of the test files that run at once makes the template, the others wait. */
const TEMPLATE_LOCK = 7_402_612

/** What every test database has in it from the start. Runs once in a run of jest, from the sources. */
async function migrateTemplate(url: Secret<string>): Promise<void> {
  const { migrate } = await import('#platform/database/migrate.js')
  await migrate(url)
}

export interface TestDatabase {
  readonly url: Secret<string>
}

const ofThisFile = new Set<string>()

/**
 * A migrated database of its own. Call it at the top of a file or of a `describe`; it is there from `beforeAll` on.
 * It is dropped when a later file of the same worker asks for one, or with the whole server when the run ends: not in an
 * `afterAll`, because jest would call that before the `afterAll` in which the test closes its connections.
 */
export function testDatabase(): TestDatabase {
  const name = `test_${process.pid}_${randomUUID().slice(0, 8)}`
  ofThisFile.add(name)

  beforeAll(() =>
    asSuperuser(async (server) => {
      await dropThoseOfEarlierFiles(server)
      await makeTemplate(server)
      await server.query(`create database ${name} template ${TEMPLATE} strategy file_copy`)
    }),
  )
  return { url: urlOf(name) }
}

function urlOf(database: string): Secret<string> {
  const url = new URL(machineForTests().postgresUrl)
  url.pathname = database
  return new Secret(url.href)
}

async function asSuperuser(work: (server: pg.Client) => Promise<void>): Promise<void> {
  const server = new pg.Client({ connectionString: urlOf('postgres').reveal() })
  await server.connect()
  try {
    await work(server)
  } finally {
    await server.end()
  }
}

async function dropThoseOfEarlierFiles(server: pg.Client): Promise<void> {
  const { rows } = await server.query('select datname from pg_database where datname like $1', [
    `test_${process.pid}_%`,
  ])
  for (const { datname } of rows)
    if (!ofThisFile.has(datname)) await server.query(`drop database ${datname} with (force)`)
}

async function makeTemplate(server: pg.Client): Promise<void> {
  await server.query('select pg_advisory_lock($1)', [TEMPLATE_LOCK])
  const { rowCount } = await server.query('select 1 from pg_database where datname = $1', [TEMPLATE])
  if (rowCount === 0) {
    const unfinished = `${TEMPLATE}_unfinished`
    await server.query(`drop database if exists ${unfinished} with (force)`)
    await server.query(`create database ${unfinished}`)
    await migrateTemplate(urlOf(unfinished))
    await server.query(`alter database ${unfinished} rename to ${TEMPLATE}`)
  }
  await server.query('select pg_advisory_unlock($1)', [TEMPLATE_LOCK])
}
