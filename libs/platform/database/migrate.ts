import type { Migrator } from '@mikro-orm/migrations'
import { MikroORM, type Options } from '@mikro-orm/postgresql'
import pg from 'pg'
import { failPoint } from '#platform/fail-points/fail-point.js'
import type { Secret } from '#platform/secrets/secret.js'
import { Initial } from './migrations/initial.migration.js'

/** Any constant of our own; two nodes that start at once on an empty database take turns. */
const MIGRATION_LOCK = 7_402_611

const MIGRATIONS = [{ name: '0001-initial', class: Initial }]

/**
 * Brings the schema up to this code. Safe to call from every process at every start; where it is up already, this is two
 * questions and no more, which a database user who may change no table can ask, too.
 * @throws Error when a newer Mandate has been here: this one does not know what the tables mean by now
 */
export async function migrate(databaseUrl: Secret<string>): Promise<void> {
  const lock = new pg.Client({ connectionString: databaseUrl.reveal() })
  await lock.connect()
  try {
    if (await isUp(lock)) return await makeMonths(lock)
    await lock.query('select pg_advisory_lock($1)', [MIGRATION_LOCK])
    failPoint('migrate.locked')
    // Loaded where there is something to do, which at most starts there is not.
    const { Migrator: extension } = await import('@mikro-orm/migrations')
    const orm = await MikroORM.init({
      ...ormOptions(databaseUrl),
      ...migrationOptions,
      extensions: [extension],
      entities: [],
      discovery: { warnWhenNoEntities: false },
    } as Options)
    await (orm as MikroORM & { migrator: Migrator }).migrator.up().finally(() => orm.close())
    failPoint('migrate.migrated')
    await makeMonths(lock)
  } finally {
    await lock.end()
  }
}

/** The audit has a table for each month (ADR 0026); who chains makes them, too. */
async function makeMonths(database: pg.Client): Promise<void> {
  await database.query(`select make_audit_months((now() at time zone 'UTC')::date)`)
}

/** @throws Error when it is newer */
async function isUp(database: pg.Client): Promise<boolean> {
  const table = migrationOptions.migrations.tableName
  const { rows: found } = await database.query('select to_regclass($1) as table', [`public.${table}`])
  if (found[0].table === null) return false
  const known = MIGRATIONS.map(({ name }) => name)
  const { rows } = await database.query<{ name: string }>(`select name from ${table} order by name`)
  const done = rows.map(({ name }) => name)
  const newer = done.filter((name) => !known.includes(name))
  if (newer.length === 0) return known.every((name) => done.includes(name))
  const names = newer.join(', ')
  throw new Error(`its schema is newer than this Mandate (${names}). Start the newer release, or restore a backup.`)
}

const migrationOptions = {
  migrations: { migrationsList: MIGRATIONS, snapshot: false, silent: true, tableName: 'mandate_migrations' },
}

export const ormOptions = (databaseUrl: Secret<string>) => ({
  clientUrl: databaseUrl.reveal(),
  // From the URL alone the ORM would take no `sslmode`.
  driverOptions: { connectionString: databaseUrl.reveal() },
  // As many again in `planned-sessions`.
  pool: { min: 0, max: 10 },
})
