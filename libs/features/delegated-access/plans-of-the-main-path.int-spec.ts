import { fillServiceAccount, SMALL_TABLES } from '#domain/grants/testing/fill-service-account.js'
import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { scansOfPlan } from '#platform/testing/explain.js'
import { FIND_ASKER } from './acceptance-statements.js'
import { FIND_REQUEST, RECORD_GRANT } from './decision-statements.js'
import { CLAIM_DELIVERY, RECORD_DELIVERY } from './delivery-statements.js'

/** A row for each host that does not answer. */
const BREAKERS = 'callback_hosts'

describe('statements of the main path', () => {
  const stage = databaseForTests([])

  beforeAll(async () => {
    await fillServiceAccount(stage.database, { id: 'ser_1', clientId: 'cli_1', mailboxes: 3_000, now: new Date() })
    // Of a few thousand it would read all: that is less than looking each up.
    await stage.database.read((em) =>
      em.execute(
        'insert into callback_attempts (request_id, number, started_at) select id, n, now() from delegated_access_requests, generate_series(1, 10) n',
      ),
    )
  })

  it.each([FIND_ASKER, FIND_REQUEST, RECORD_GRANT, CLAIM_DELIVERY, RECORD_DELIVERY])(
    'are planned by keys, for any number of rows: $name',
    async ({ text }) => {
      const scanned = await scansOfPlan(stage.database, text)
      expect(scanned.filter((table) => ![...SMALL_TABLES, BREAKERS].includes(table))).toEqual([])
    },
  )
})
