import { Client, ClientSecret } from '#domain/clients/client.entity.js'
import { Clients } from '#domain/clients/clients.js'
import { ProviderCredential } from '#domain/credentials/provider-credential.entity.js'
import { ProviderCredentials } from '#domain/credentials/provider-credentials.js'
import { ServiceAccount } from '#domain/credentials/service-account.entity.js'
import { ServiceAccountStates, stateOf } from '#domain/credentials/service-account-states.js'
import { ServiceAccounts } from '#domain/credentials/service-accounts.js'
import { Account } from '#domain/grants/account.entity.js'
import { FindSomeMailbox } from '#domain/grants/find-some-mailbox.js'
import type { Providers } from '#domain/providers/providers.js'
import { providersForTests } from '#domain/providers/testing/providers-for-tests.js'
import { minutes } from '#platform/clock/clock.js'
import { Log } from '#platform/observability/log.js'
import { CryptoRandom } from '#platform/secrets/random.js'
import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { HeldClock } from '#platform/testing/held-clock.js'
import { sealerForTests } from '#platform/testing/sealer-for-tests.js'
import { INITECH, UMBRELLA } from '../../../apps/sandbox/microsoft/default-seed.js'
import { type Sandbox, startSandbox } from '../../../apps/sandbox/sandbox.js'
import { defaultSeed } from '../../../apps/sandbox/seed/default-seed.js'
import { SetProviderCredential } from '../administration/set-provider-credential.js'
import { TryCredential } from '../administration/try-credential.js'
import { ProbeServiceAccounts } from './probe-service-accounts.js'

const NEW_SECRET = 'new8Q~sandbox-only-not-a-secret'

describe('two organisations at Microsoft that one secret of the operator serves', () => {
  const db = databaseForTests([Client, ClientSecret, ServiceAccount, ProviderCredential, Account])
  const clock = new HeldClock()
  const random = new CryptoRandom()
  const sealer = sealerForTests()
  const opening = providersForTests(db)
  const log = new Log('silent')
  const credentials = new ProviderCredentials(clock, random, sealer)
  const accounts = new ServiceAccounts(clock, random, sealer, credentials)
  let sandbox: Sandbox
  let clientId: string
  let states: ServiceAccountStates
  let probe: ProbeServiceAccounts
  let set: (clientSecret: string) => Promise<unknown>
  const ids: string[] = []

  beforeAll(async () => {
    const { seed, operator } = await defaultSeed()
    clientId = operator.microsoftApp.clientId
    sandbox = await startSandbox({ seed })
    for (const organisation of ['initech.test', 'umbrella.test'])
      sandbox.microsoft.mutate('grant-consent', { organisation })
    const providers: Providers = await opening.open({
      microsoftSandboxUrl: new URL(sandbox.microsoft.url),
      timeoutMs: 10_000,
    })
    states = new ServiceAccountStates(db.database, clock)
    const someMailbox = new FindSomeMailbox()
    probe = new ProbeServiceAccounts(db.database, accounts, states, someMailbox, providers, random, log)
    const trial = new TryCredential(db.database, accounts, someMailbox, providers, random)
    const clients = new Clients(clock, random, sealer)
    const step = new SetProviderCredential(db.database, clock, clients, credentials, trial, states, log)
    set = (clientSecret) => step.set({ provider: 'microsoft', clientId, clientSecret }, null)
    await sql(
      `insert into clients (id, name, redirect_uris, callback_origins, sealed_signing_secret, created_at)
       values ('cli_1', 'x', '{}', '{}', '', now())`,
    )
    await set(operator.microsoftApp.clientSecret)
    for (const [organisationId, domain, person] of [
      [INITECH, 'initech.test', 'milton'],
      [UMBRELLA, 'umbrella.test', 'ursula'],
    ])
      ids.push(await connect(organisationId!, domain!, `${person}@${domain}`))
    // Past the ten minutes in which a consent spreads.
    await sql(`update service_accounts set updated_at = updated_at - interval '1 hour'`)
  })
  afterAll(() => sandbox?.stop())

  const sql = (text: string, values: unknown[] = []) => db.database.read((em) => em.execute(text, values))
  const connect = async (organisationId: string, domain: string, administratorEmail: string) => {
    const account = await db.database.inTransaction((tx) =>
      accounts.connect(tx, {
        ...{ clientId: 'cli_1', provider: 'microsoft', organisationId, organisationName: domain, domains: [domain] },
        ...{ administratorEmail, cloud: 'global', credentialSource: 'operator', credential: null },
        ...{ scope: ['service_account/accounts/manage'], delegatedScope: ['read_only'] },
      }),
    )
    return account.id
  }
  const probeAll = async () => {
    await sql('update service_accounts set probe_at = ?', [clock.now()])
    await probe.probeDue()
  }
  const reasons = async () => {
    const found = await db.database.read((em) => accounts.list(em, { limit: 10 }))
    return ids
      .map((id) => stateOf(found.find((account) => account.id === id)!))
      .map(({ state, reason }) => reason ?? state)
  }

  it('fail alike when it has expired, and come back with the next one, which is refused while it is wrong', async () => {
    await probeAll()
    expect(await reasons()).toEqual(['active', 'active'])
    sandbox.microsoft.mutate('expire-secret', {})
    await probeAll()
    expect(await reasons()).toEqual(['microsoft.secret_expired', 'microsoft.secret_expired'])

    await expect(set(NEW_SECRET)).rejects.toMatchObject({ code: 'microsoft.secret_invalid' })
    sandbox.microsoft.mutate('add-secret', { value: NEW_SECRET })
    await set(NEW_SECRET)
    await probe.probeDue()
    expect(await reasons()).toEqual(['active', 'active'])
  })

  it('fail apart when one withdraws its consent, and that one comes back when it consents again', async () => {
    sandbox.microsoft.mutate('revoke-consent', { organisation: 'umbrella.test' })
    await probeAll()
    expect(await reasons()).toEqual(['active', 'microsoft.app_not_in_tenant'])
    sandbox.microsoft.mutate('grant-consent', { organisation: 'umbrella.test' })
    clock.advance(minutes(15))
    expect(await probe.probeDue()).toBe(1)
    expect(await reasons()).toEqual(['active', 'active'])
  })
})
