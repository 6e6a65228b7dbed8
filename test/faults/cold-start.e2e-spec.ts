import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { coldStart, type Findings } from './cold-start.js'

const PEOPLE = 120
/** Of which four fifths are for jobs. */
const MINTS_PER_SECOND = 100
const PATIENCE = 180_000

/** `npm run coldstart` is the same with ten thousand mailboxes and a token endpoint that thinks for 15 seconds. */
describe('three worker processes that start at once, with no token for any of 240 mailboxes,', () => {
  const { url } = testDatabase()
  let findings: Findings

  beforeAll(async () => {
    findings = await coldStart(url, {
      workers: 3,
      google: PEOPLE,
      microsoft: PEOPLE,
      mintsPerSecond: MINTS_PER_SECOND,
      thinksMs: 2_000,
      // A claim outlasts this, and whatever a busy machine makes a worker stand still for: ADR 0015 says what happens else.
      timeoutSeconds: 60,
    })
  }, PATIENCE)

  it('grant them all', () => {
    expect(findings).toMatchObject({ granted: 2 * PEOPLE, denied: 0 })
  })

  it('make one call for the token of a whole Microsoft organisation, however long it takes', () => {
    expect(findings.microsoftCalls).toBe(1)
  })

  it('mint one token for each mailbox at Google, and no faster than the budget allows', () => {
    const { googleCalls } = findings
    expect(new Set(googleCalls.map(({ subject }) => subject)).size).toBe(PEOPLE)
    expect(
      googleCalls.filter(({ subject }, n) => googleCalls.findIndex((call) => call.subject === subject) < n),
    ).toEqual([])
    const spacing = 1000 / (MINTS_PER_SECOND * 0.8)
    // A timer may be a little early.
    expect(googleCalls.filter(({ at }, n) => at < n * spacing - 10)).toEqual([])
  })
})
