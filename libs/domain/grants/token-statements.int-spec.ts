import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { scansOfPlan } from '#platform/testing/explain.js'
import { fillServiceAccount, SMALL_TABLES } from './testing/fill-service-account.js'
import {
  EXCHANGE_CODE,
  FIND_ACCESS_TOKEN,
  FIND_CODE,
  FIND_REFRESH_TOKEN,
  ROTATE_REFRESH_TOKEN,
} from './token-statements.js'

describe('statements of the token routes', () => {
  const stage = databaseForTests([])

  beforeAll(() =>
    fillServiceAccount(stage.database, { id: 'ser_1', clientId: 'cli_1', mailboxes: 3_000, now: new Date() }),
  )

  it.each([FIND_ACCESS_TOKEN, FIND_CODE, FIND_REFRESH_TOKEN, EXCHANGE_CODE, ROTATE_REFRESH_TOKEN])(
    'are planned by keys, for any number of rows: $name',
    async ({ text }) => {
      const scanned = await scansOfPlan(stage.database, text)
      expect(scanned.filter((table) => !SMALL_TABLES.includes(table))).toEqual([])
    },
  )
})
