import { MikroORM } from '@mikro-orm/postgresql'
import { RevokeServiceAccounts } from '#domain/grants/revoke-service-accounts.js'
import { fillServiceAccount } from '#domain/grants/testing/fill-service-account.js'
import { SystemClock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { migrate, ormOptions } from '#platform/database/migrate.js'
import { Log } from '#platform/observability/log.js'
import { CryptoRandom, newId } from '#platform/secrets/random.js'
import { Secret } from '#platform/secrets/secret.js'
import { resultOf, type Scenario } from './scenario.js'

const MAILBOXES = 10_000
const NAME = 'revoke-10000'

/**
 * The kill switch at ten thousand grants, until nothing works and nothing is under way any more. The floor is the update of
 * those grants and nothing else. Milliseconds: a ratio above one is what counting, stopping and recording cost.
 */
export const revocation: Scenario = {
  name: NAME,
  async run({ databaseUrl }, rounds, say) {
    const url = new Secret(databaseUrl)
    await migrate(url)
    const orm = await MikroORM.init({ ...ormOptions(url), entities: [], discovery: { warnWhenNoEntities: false } })
    try {
      const database = new Database(orm)
      const killSwitch = new RevokeServiceAccounts(database, new SystemClock(), new Log('silent'))
      const figures = { ours: [] as number[], floor: [] as number[] }
      const timed = async (work: (id: string) => Promise<unknown>) => {
        const id = newId(new CryptoRandom(), 'ser')
        await fillServiceAccount(database, { id, clientId: 'cli_bench', mailboxes: MAILBOXES, now: new Date() })
        const begun = performance.now()
        await work(id)
        return performance.now() - begun
      }
      const update = 'update grants set revoked_at = now() where service_account_id = ? and revoked_at is null'
      for (let round = 1; round <= rounds; round++) {
        figures.floor.push(await timed((id) => database.read((em) => em.execute(update, [id]))))
        figures.ours.push(await timed((id) => killSwitch.revoke(id)))
        say(
          `${NAME}, round ${round}: floor ${figures.floor.at(-1)!.toFixed(0)} ms, ours ${figures.ours.at(-1)!.toFixed(0)} ms`,
        )
      }
      return resultOf(NAME, 'ms', figures.ours, figures.floor)
    } finally {
      await orm.close()
    }
  },
}
