import { createHash } from 'node:crypto'
import { defineStatement } from '#platform/database/statement.js'
import { openConnectedAccount } from './connected-account.js'

/** Held by the test until everybody is to begin. */
export const STARTING_LOCK = 18
const WAIT = defineStatement('wait-for-the-start', `select pg_advisory_lock_shared(${STARTING_LOCK})`)

// A process of its own: asks for so many tokens at the same moment, and says in digests which it was given.
if (import.meta.filename === process.argv[1]) {
  const account = await openConnectedAccount(process.env)
  console.log('ready')
  await account.run(WAIT, [])
  const given = await Promise.allSettled(Array.from({ length: Number(process.argv[2]) }, () => account.use()))
  const tokens = given.map((one) => (one.status === 'fulfilled' ? digestOf(one.value) : String(one.reason)))
  console.log(`given ${JSON.stringify(tokens)}`)
  await account.close()
}

function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('hex').slice(0, 12)
}
