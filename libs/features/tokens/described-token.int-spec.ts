import { fillServiceAccount, SMALL_TABLES } from '#domain/grants/testing/fill-service-account.js'
import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { scansOfPlan } from '#platform/testing/explain.js'
import { FIND_DESCRIBED_TOKEN } from './described-token.js'

describe('whose a token is', () => {
  const stage = databaseForTests([])

  beforeAll(() =>
    fillServiceAccount(stage.database, { id: 'ser_1', clientId: 'cli_1', mailboxes: 3_000, now: new Date() }),
  )

  it('is found by keys, by a plan for any number of rows', async () => {
    const scanned = await scansOfPlan(stage.database, FIND_DESCRIBED_TOKEN.text)
    expect(scanned.filter((table) => !SMALL_TABLES.includes(table))).toEqual([])
  })
})
