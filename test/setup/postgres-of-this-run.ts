import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEmbeddedPostgres } from '#platform/database/embedded-postgres.js'
import { isAlive } from '#platform/database/embedded-process.js'

const PREFIX = 'mandate-tests-'

let stop = async () => {}

/** An empty server in a temporary directory, shared by the workers of one run of jest. */
export async function startPostgresOfThisRun(): Promise<string> {
  await removeWhatKilledRunsLeft()
  const dataDirectory = await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`))
  await chmod(dataDirectory, 0o711) // when root runs the tests, the server's user passes through
  const postgres = await openEmbeddedPostgres({ dataDirectory, log: () => {}, unsafeWithoutFsync: true })
  stop = async () => {
    await postgres.stop()
    await rm(dataDirectory, { recursive: true })
  }
  return postgres.url.reveal()
}

export const stopPostgresOfThisRun = () => stop()

/** Their servers have ended, but jest runs no teardown when it is interrupted. Another user's directories stay. */
async function removeWhatKilledRunsLeft(): Promise<void> {
  for (const name of await readdir(tmpdir()))
    if (name.startsWith(PREFIX) && !isAlive(Number.parseInt(name.slice(PREFIX.length), 10)))
      await rm(join(tmpdir(), name), { recursive: true }).catch(() => {})
}
