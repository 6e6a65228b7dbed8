import { type EntityClass, MikroORM } from '@mikro-orm/postgresql'
import { Database } from '#platform/database/database.js'
import { ormOptions } from '#platform/database/migrate.js'
import { PlannedSessions } from '#platform/database/planned-sessions.js'
import { testDatabase } from './postgres-for-tests.js'

/**
 * A `Database` over a migrated database of this test file's own; there from `beforeAll` on, closed after the tests.
 * @param url where the test has made the database itself, because it also looks at it from elsewhere
 */
export function databaseForTests(
  entities: EntityClass<object>[],
  url = testDatabase().url,
): { readonly database: Database } {
  const planned = new PlannedSessions(url)
  let orm: MikroORM
  let database: Database
  beforeAll(async () => {
    orm = await MikroORM.init({ ...ormOptions(url), entities, discovery: { warnWhenNoEntities: false } })
    database = new Database(orm, planned)
  })
  afterAll(async () => {
    await planned.onApplicationShutdown()
    await orm.close()
  })
  return {
    get database() {
      return database
    },
  }
}
