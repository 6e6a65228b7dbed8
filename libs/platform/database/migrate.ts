import { Migrator } from '@mikro-orm/migrations'
import { MikroORM, type Options } from '@mikro-orm/postgresql'
import pg from 'pg'
import type { Secret } from '#platform/secrets/secret.js'
import { Initial } from './migrations/initial.migration.js'

/** Any constant of our own; two nodes that start at once on an empty database take turns. */
const MIGRATION_LOCK = 7_402_611

const MIGRATIONS = [{ name: '0001-initial', class: Initial }]

/** Brings the schema up to this code. Safe to call from every process at every start. */
export async function migrate(databaseUrl: Secret<string>): Promise<void> {
  const lock = new pg.Client({ connectionString: databaseUrl.reveal() })
  await lock.connect()
  try {
    await lock.query('select pg_advisory_lock($1)', [MIGRATION_LOCK])
    const orm = await MikroORM.init({
      ...ormOptions(databaseUrl),
      ...migrationOptions,
      entities: [],
      discovery: { warnWhenNoEntities: false },
    } as Options)
    await (orm as MikroORM & { migrator: Migrator }).migrator.up().finally(() => orm.close())
  } finally {
    await lock.end()
  }
}

const migrationOptions = {
  extensions: [Migrator],
  migrations: { migrationsList: MIGRATIONS, snapshot: false, silent: true, tableName: 'mandate_migrations' },
}

export const ormOptions = (databaseUrl: Secret<string>) => ({
  clientUrl: databaseUrl.reveal(),
  pool: { min: 0, max: 20 },
})
