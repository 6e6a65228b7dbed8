import { announceMachine } from '#platform/testing/machine-for-tests.js'
import { findChromium, findPgbouncer, findRedis } from './find-on-machine.js'
import { startPostgresOfThisRun } from './postgres-of-this-run.js'

/**
 * Once before all tests, out of `dist`: jest transforms neither a global setup nor what it imports into modules.
 * What a newcomer's machine may lack is left out and said at the end of the run; CI must have everything.
 */
export default async function globalSetup(): Promise<void> {
  const { CI, PATH = '' } = process.env
  const redisUrl = await findRedis()
  const chromiumPath = await findChromium(PATH)
  const pgbouncerPath = await findPgbouncer(PATH)
  if (CI === 'true' && !(redisUrl && chromiumPath))
    throw new Error('CI is set, and so Redis on 127.0.0.1:6379 and a Chromium on the PATH are required.')

  announceMachine({ postgresUrl: await startPostgresOfThisRun(), redisUrl, chromiumPath, pgbouncerPath })
}
