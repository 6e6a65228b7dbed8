import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { scansOfPrepared } from '#platform/testing/explain.js'
import { FIND_CALLED_GRANT } from './open-mailbox.js'

describe('what a call of a mailbox asks for', () => {
  const stage = databaseForTests([])

  it('is found by keys, also by a plan from before there was anything in the tables', async () => {
    const scanned = await scansOfPrepared(stage.database, FIND_CALLED_GRANT.alone.text)
    // Of clients there are few.
    expect(scanned.filter((table) => table !== 'clients')).toEqual([])
  })
})
