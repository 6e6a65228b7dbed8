import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { scansOfPrepared } from '#platform/testing/explain.js'
import { FIND_DESCRIBED_TOKEN } from './describe-subject.js'

describe('whose a token is', () => {
  const stage = databaseForTests([])

  it('is found by keys, also by a plan from before there was anything in the tables', async () => {
    const scanned = await scansOfPrepared(stage.database, FIND_DESCRIBED_TOKEN.alone.text)
    // Of clients there are few.
    expect(scanned.filter((table) => table !== 'clients')).toEqual([])
  })
})
