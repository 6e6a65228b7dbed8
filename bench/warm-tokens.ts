import { createSecretKey, randomBytes } from 'node:crypto'
import { MikroORM } from '@mikro-orm/postgresql'
import { JWT } from 'google-auth-library'
import { ProviderTokens } from '#domain/providers/tokens/provider-tokens.js'
import { SystemClock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { migrate, ormOptions } from '#platform/database/migrate.js'
import { PlannedSessions } from '#platform/database/planned-sessions.js'
import { Log } from '#platform/observability/log.js'
import { CryptoRandom } from '#platform/secrets/random.js'
import { Sealer } from '#platform/secrets/sealer.js'
import { Secret } from '#platform/secrets/secret.js'
import { compare, type Scenario } from './scenario.js'

const NAME = 'warm-tokens'
const ROUND = 20_000
const MAILBOXES = 1_000
const AT_ONCE = 64

/** A provider token that is there already, from the cache that all processes share; the peer keeps one in each object. */
export const warmTokens: Scenario = {
  name: NAME,
  about:
    'a provider token that is kept; the floor is google-auth-library with one object for each mailbox, in one process',
  async run(ground, rounds, say) {
    const url = new Secret(await ground.createDatabase(NAME))
    await migrate(url)
    await using orm = await MikroORM.init({
      ...ormOptions(url),
      entities: [],
      discovery: { warnWhenNoEntities: false },
    })
    const settings = { googleSandboxUrl: null, microsoftSandboxUrl: null, timeoutMs: 10_000, mintsPerSecond: 100_000 }
    const key = { id: 'dk', client: 'operator', key: createSecretKey(randomBytes(32)) }
    const sealer = new Sealer({ active: async () => key, get: async () => key, forgetActive: () => {} })
    const parts = [
      new Database(orm, new PlannedSessions(url)),
      sealer,
      new SystemClock(),
      new CryptoRandom(),
      new Log('silent'),
    ] as const
    const tokens = new ProviderTokens(...parts, settings)
    try {
      const mint = async () => ({ token: 'ya29.token', lifetimeMs: 3_599_000 })
      const ours = (n: number) => {
        const identity = ['C1', 'v1', `user${n}@acme.test`, 'a scope']
        const wanted = { provider: 'google', identity, budget: '1', urgency: 'interactive', mint } as const
        return tokens.use(wanted, async (token) => token)
      }
      const credentials = { access_token: 'ya29.token', expiry_date: Date.now() + 3_599_000 }
      const peers = Array.from({ length: MAILBOXES }, () => Object.assign(new JWT(), { credentials }))
      const floor = (n: number) => peers[n]!.getAccessToken()
      const rate = (fetchToken: (n: number) => Promise<unknown>) => ({
        round: async () => {
          const begun = performance.now()
          for (let n = 0; n < ROUND; n += AT_ONCE)
            await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => fetchToken((n + index) % MAILBOXES)))
          return (ROUND / (performance.now() - begun)) * 1000
        },
      })
      await rate(ours).round()
      await rate(floor).round()
      const contest = { name: NAME, unit: 'tokens/s', rounds, pieces: ROUND, directory: ground.directory, say }
      return [await compare(contest, { floor: rate(floor), ours: rate(ours) })]
    } finally {
      await tokens.beforeApplicationShutdown()
    }
  },
}
