import { Migrator } from '@mikro-orm/migrations'
import { MikroORM, type Options } from '@mikro-orm/postgresql'
import pg from 'pg'
import { failPoint } from '#platform/fail-points/fail-point.js'
import type { Secret } from '#platform/secrets/secret.js'
import { Initial } from './migrations/initial.migration.js'

/** Any constant of our own; two nodes that start at once on an empty database take turns. */
const MIGRATION_LOCK = 7_402_611

const MIGRATIONS = [{ name: '0001-initial', class: Initial }]

/**
 * Brings the schema up to this code. Safe to call from every process at every start.
 * @throws Error when a newer Mandate has been here: this one does not know what the tables mean by now
 */
export async function migrate(databaseUrl: Secret<string>): Promise<void> {
  const lock = new pg.Client({ connectionString: databaseUrl.reveal() })
  await lock.connect()
  try {
    await lock.query('select pg_advisory_lock($1)', [MIGRATION_LOCK])
    await refuseNewerSchema(lock)
    failPoint('migrate.locked')
    const orm = await MikroORM.init({
      ...ormOptions(databaseUrl),
      ...migrationOptions,
      entities: [],
      discovery: { warnWhenNoEntities: false },
    } as Options)
    await (orm as MikroORM & { migrator: Migrator }).migrator.up().finally(() => orm.close())
    failPoint('migrate.migrated')
  } finally {
    await lock.end()
  }
}

async function refuseNewerSchema(database: pg.Client): Promise<void> {
  const table = migrationOptions.migrations.tableName
  const { rows: found } = await database.query('select to_regclass($1) as table', [`public.${table}`])
  if (found[0].table === null) return
  const known = MIGRATIONS.map(({ name }) => name)
  const { rows } = await database.query(`select name from ${table} where name <> all($1) order by name`, [known])
  if (rows.length === 0) return
  const names = rows.map(({ name }) => name).join(', ')
  throw new Error(`its schema is newer than this Mandate (${names}). Start the newer release, or restore a backup.`)
}

const migrationOptions = {
  extensions: [Migrator],
  migrations: { migrationsList: MIGRATIONS, snapshot: false, silent: true, tableName: 'mandate_migrations' },
}

export const ormOptions = (databaseUrl: Secret<string>) => ({
  clientUrl: databaseUrl.reveal(),
  pool: { min: 0, max: 20 },
})
