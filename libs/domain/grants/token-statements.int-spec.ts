import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { scansOfPrepared } from '#platform/testing/explain.js'
import {
  EXCHANGE_CODE,
  FIND_ACCESS_TOKEN,
  FIND_CODE,
  FIND_REFRESH_TOKEN,
  ROTATE_REFRESH_TOKEN,
} from './token-statements.js'

describe('statements of the token routes', () => {
  const stage = databaseForTests([])

  it.each(
    [FIND_ACCESS_TOKEN, FIND_CODE, FIND_REFRESH_TOKEN, EXCHANGE_CODE, ROTATE_REFRESH_TOKEN].map(({ alone }) => alone!),
  )('are planned by keys before there is anything in the tables: $name', async ({ text }) => {
    const scanned = await scansOfPrepared(stage.database, text)
    // Of clients there are few.
    expect(scanned.filter((table) => table !== 'clients')).toEqual([])
  })
})
