import { type Clock, SystemClock } from '#platform/clock/clock.js'
import type { ProviderSettings } from '#platform/config/settings.js'
import { defineStatement } from '#platform/database/statement.js'
import { Log } from '#platform/observability/log.js'
import { CryptoRandom } from '#platform/secrets/random.js'
import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { sealerForTests } from '#platform/testing/sealer-for-tests.js'
import { Providers } from '../providers.js'
import { ProviderTokens } from '../tokens/provider-tokens.js'

/** Not `truncate`, which makes new files: there are a few rows, and hundreds of tests. */
const FORGET = defineStatement(
  'forget-provider-tokens',
  'with forgotten as (delete from provider_tokens) delete from provider_budgets',
)

/**
 * The providers over a database, by default one of this test file's own. Call it where `beforeAll` may be called.
 * @param agesTokens the clock by which tokens grow old, where it is not the providers' own
 */
export function providersForTests(db = databaseForTests([]), agesTokens: Clock | null = null) {
  const opened: ProviderTokens[] = []
  const finishAll = () => Promise.all(opened.splice(0).map((tokens) => tokens.beforeApplicationShutdown()))
  afterAll(finishAll)
  const sealer = sealerForTests()
  return {
    /** As after a first start: no tokens, nothing learned about budgets. */
    async open(
      wanted: Pick<ProviderSettings, 'timeoutMs'> & Partial<ProviderSettings>,
      { clock = new SystemClock(), log = new Log('silent') }: { clock?: Clock; log?: Log } = {},
    ): Promise<Providers> {
      await finishAll()
      await db.database.run(FORGET, [])
      const settings = { googleSandboxUrl: null, microsoftSandboxUrl: null, mintsPerSecond: 2_000, ...wanted }
      const tokens = new ProviderTokens(db.database, sealer, agesTokens ?? clock, new CryptoRandom(), log, settings)
      opened.push(tokens)
      return new Providers(settings, clock, tokens, log)
    },
  }
}
