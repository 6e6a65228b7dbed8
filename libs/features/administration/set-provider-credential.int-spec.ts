import { Client, ClientSecret } from '#domain/clients/client.entity.js'
import { Clients } from '#domain/clients/clients.js'
import { ProviderCredential } from '#domain/credentials/provider-credential.entity.js'
import { ProviderCredentials } from '#domain/credentials/provider-credentials.js'
import { ServiceAccountStates } from '#domain/credentials/service-account-states.js'
import { Log } from '#platform/observability/log.js'
import { CryptoRandom } from '#platform/secrets/random.js'
import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { HeldClock } from '#platform/testing/held-clock.js'
import { sealerForTests } from '#platform/testing/sealer-for-tests.js'
import { until } from '#platform/testing/until.js'
import { SetProviderCredential } from './set-provider-credential.js'
import type { TryCredential } from './try-credential.js'

const REGISTRATION = {
  provider: 'microsoft',
  clientId: '11111111-2222-4333-8444-555555555555',
  clientSecret: 'abc8Q~not-for-anybody',
} as const

describe('setting a provider credential', () => {
  const db = databaseForTests([Client, ClientSecret, ProviderCredential])
  const [clock, random] = [new HeldClock(), new CryptoRandom()]
  const sealer = sealerForTests()
  const clients = new Clients(clock, random, sealer)
  const credentials = new ProviderCredentials(clock, random, sealer)

  const somebodyWaits = () =>
    db.database.read(async (em) => {
      const waiting = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
      return (await em.execute(waiting)).length > 0
    })

  it('is refused as a conflict when somebody else sets the first one at the same moment', async () => {
    const nobodyDepends = { try: async () => 0 } as unknown as TryCredential
    const states = new ServiceAccountStates(db.database, clock)
    const step = new SetProviderCredential(
      ...([db.database, clock, clients, credentials, nobodyDepends, states, new Log('silent')] as const),
    )
    let outcome = Promise.resolve('not begun')

    await db.database.inTransaction(async (tx) => {
      await credentials.set(tx, { provider: 'microsoft', clientId: null })
      await tx.flush()
      let ended = false
      outcome = step.set(REGISTRATION, null).then(
        () => 'set',
        ({ code }) => code,
      )
      outcome.finally(() => {
        ended = true
      })
      await until('the second to wait for the first', async () => ended || (await somebodyWaits()))
    })

    expect(await outcome).toBe('conflict')
    expect(await db.database.read((em) => em.count(ProviderCredential))).toBe(1)
    expect(await step.set(REGISTRATION, null)).toMatchObject({ signInClientId: REGISTRATION.clientId })
  })
})
