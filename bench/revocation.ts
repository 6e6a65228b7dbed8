import { MikroORM } from '@mikro-orm/postgresql'
import { RevokeServiceAccounts } from '#domain/grants/revoke-service-accounts.js'
import { fillServiceAccount } from '#domain/grants/testing/fill-service-account.js'
import { SystemClock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { migrate, ormOptions } from '#platform/database/migrate.js'
import { PlannedSessions } from '#platform/database/planned-sessions.js'
import { Log } from '#platform/observability/log.js'
import { CryptoRandom, newId } from '#platform/secrets/random.js'
import { Secret } from '#platform/secrets/secret.js'
import { compare, type Scenario } from './scenario.js'

const MAILBOXES = 10_000
const NAME = 'revoke-10000'

/**
 * The kill switch at ten thousand grants, until nothing works and nothing is under way any more. The floor is the update of
 * those grants and nothing else. Milliseconds: a ratio above one is what counting, stopping and recording cost.
 */
export const revocation: Scenario = {
  name: NAME,
  about: 'the kill switch at ten thousand grants; the floor updates those grants and nothing else',
  async run({ createDatabase, directory }, rounds, say) {
    const url = new Secret(await createDatabase(NAME))
    await migrate(url)
    await using orm = await MikroORM.init({
      ...ormOptions(url),
      entities: [],
      discovery: { warnWhenNoEntities: false },
    })
    const database = new Database(orm, new PlannedSessions(url))
    const killSwitch = new RevokeServiceAccounts(database, new SystemClock(), new Log('silent'))
    const timed = (work: (id: string) => Promise<unknown>) => async () => {
      const id = newId(new CryptoRandom(), 'ser')
      await fillServiceAccount(database, { id, clientId: 'cli_bench', mailboxes: MAILBOXES, now: new Date() })
      const begun = performance.now()
      await work(id)
      return performance.now() - begun
    }
    const update = 'update grants set revoked_at = now() where service_account_id = ? and revoked_at is null'
    const floor = { round: timed((id) => database.read((em) => em.execute(update, [id]))) }
    const ours = { round: timed((id) => killSwitch.revoke(id)) }
    return [await compare({ name: NAME, unit: 'ms', rounds, pieces: MAILBOXES, directory, say }, { floor, ours })]
  },
}
