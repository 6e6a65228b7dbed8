import { machineForTests } from '#platform/testing/machine-for-tests.js'
import { stopPostgresOfThisRun } from './postgres-of-this-run.js'

export default async function globalTeardown(): Promise<void> {
  await stopPostgresOfThisRun()
  sayWhatWasNotRun()
}

/** The last lines of a run: a skipped test that nobody hears of is a lie. */
function sayWhatWasNotRun(): void {
  const { redisUrl, chromiumPath, pgbouncerPath } = machineForTests()
  const absent: string[] = []
  if (!redisUrl) absent.push('Redis (nothing answers on 127.0.0.1:6379: the queue was tested on PostgreSQL alone)')
  if (!chromiumPath) absent.push('Chromium (not on the PATH: no page was opened in a browser)')
  if (!pgbouncerPath) absent.push('PgBouncer (not on the PATH: nothing went through a pooler)')
  if (process.getuid?.() !== 0) absent.push('root (how the embedded PostgreSQL keeps root out of its processes)')
  if (absent.length === 0) return
  process.stderr.write(`\nNot run, because this machine has none:\n  - ${absent.join('\n  - ')}\n`)
}
