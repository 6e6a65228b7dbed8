import { Client, ClientSecret } from '#domain/clients/client.entity.js'
import { Clients } from '#domain/clients/clients.js'
import { ProviderCredential } from '#domain/credentials/provider-credential.entity.js'
import { ProviderCredentials } from '#domain/credentials/provider-credentials.js'
import { ServiceAccount } from '#domain/credentials/service-account.entity.js'
import { ServiceAccountStates } from '#domain/credentials/service-account-states.js'
import { ServiceAccounts } from '#domain/credentials/service-accounts.js'
import { Account } from '#domain/grants/account.entity.js'
import { FindSomeMailbox } from '#domain/grants/find-some-mailbox.js'
import { permissionsOf, providerScopesFor } from '#domain/providers/delegated-scopes.js'
import { readGoogleKeyFile } from '#domain/providers/google/google-credential.js'
import { providersForTests } from '#domain/providers/testing/providers-for-tests.js'
import { Log } from '#platform/observability/log.js'
import { CryptoRandom } from '#platform/secrets/random.js'
import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { HeldClock } from '#platform/testing/held-clock.js'
import { sealerForTests } from '#platform/testing/sealer-for-tests.js'
import { type Sandbox, startSandbox } from '../../../apps/sandbox/sandbox.js'
import { defaultSeed } from '../../../apps/sandbox/seed/default-seed.js'
import { RollBackProviderCredential } from './roll-back-provider-credential.js'
import { SetProviderCredential } from './set-provider-credential.js'
import { TryCredential } from './try-credential.js'

describe("the operator's new credential", () => {
  const db = databaseForTests([Client, ClientSecret, ServiceAccount, ProviderCredential, Account])
  const clock = new HeldClock()
  const random = new CryptoRandom()
  const sealer = sealerForTests()
  const providers = providersForTests(db)
  const log = new Log('silent')
  const scopes = providerScopesFor('google', permissionsOf(['read_only']), ['person'])
  const credentials = new ProviderCredentials(clock, random, sealer)
  const accounts = new ServiceAccounts(clock, random, sealer, credentials)
  let sandbox: Sandbox
  let first: string
  let set: SetProviderCredential
  let rollBack: RollBackProviderCredential
  let id: string

  beforeAll(async () => {
    const { seed, operator } = await defaultSeed()
    sandbox = await startSandbox({ seed })
    first = JSON.stringify(operator.googleKeyFile)
    await sql(
      `insert into clients (id, name, redirect_uris, callback_origins, sealed_signing_secret, created_at)
       values ('cli_1', 'x', '{}', '{}', '', now())`,
    )
  })
  beforeEach(async () => {
    for (const table of ['service_accounts', 'provider_credentials', 'audit_arrivals'])
      await sql(`delete from ${table}`)
    sandbox.google.faults.clear()
    sandbox.google.mutate('add-delegation', { clientId: readGoogleKeyFile(first).clientId, scopes })
    const states = new ServiceAccountStates(db.database, clock)
    const google = await providers.open({ googleSandboxUrl: new URL(sandbox.google.url), timeoutMs: 10_000 })
    const clients = new Clients(clock, random, sealer)
    const trial = new TryCredential(db.database, accounts, new FindSomeMailbox(), google, random)
    set = new SetProviderCredential(db.database, clock, clients, credentials, trial, states, log)
    rollBack = new RollBackProviderCredential(db.database, clock, credentials, states, log)
    await set.set({ provider: 'google', keyFiles: [first] }, null)
    const account = await db.database.inTransaction((tx) =>
      accounts.connect(tx, {
        ...{ clientId: 'cli_1', provider: 'google', organisationId: 'C01abc234', organisationName: 'acme.test' },
        ...{ domains: ['acme.test', 'acme.example'], administratorEmail: 'admin@acme.test' },
        ...{ credentialSource: 'operator', credential: null },
        ...{ scope: ['service_account/accounts/manage'], delegatedScope: ['read_only'] },
      }),
    )
    id = account.id
  })
  afterAll(() => sandbox?.stop())

  const sql = <Row>(text: string, values: unknown[] = []) => db.database.read((em) => em.execute<Row[]>(text, values))
  const newKey = async () => {
    const { clientEmail } = readGoogleKeyFile(first)
    return JSON.stringify(await sandbox.google.mutate('create-key', { serviceAccount: clientEmail }))
  }
  const inUse = async () =>
    (await db.database.read((em) => credentials.findOwnWithSecret(em, 'google', null)))!.credential!.reveal()
  const put = (keyFile: string, untested?: boolean) =>
    set.set({ provider: 'google', keyFiles: [keyFile] }, null, untested)
  const fails = () => sql(`update service_accounts set state = 'failing', state_reason = 'x'`)
  const keyId = (keyFile: string) => JSON.parse(keyFile).private_key_id as string

  it('takes the place of the old one when it opens a mailbox, and the old one can be gone back to', async () => {
    const second = await newKey()
    expect(await put(second)).toMatchObject({ formerReplacedAt: clock.now() })
    expect(await inUse()).toContain(keyId(second))
    await fails()
    expect(await rollBack.rollBack('google', null)).toMatchObject({ provider: 'google' })
    expect(await inUse()).toContain(keyId(first))
    const [row] = await sql<{ probe_at: string }>('select probe_at from service_accounts')
    expect(new Date(row!.probe_at)).toEqual(clock.now())
    await rollBack.rollBack('google', null)
    expect(await inUse()).toContain(keyId(second))
    const acts = await sql<{ act: string }>(`select act from audit_arrivals where act like 'provider.%' order by id`)
    expect(acts.map(({ act }) => act.split('.')[1])).toEqual([
      'credential_set',
      'credential_set',
      'credential_rolled_back',
      'credential_rolled_back',
    ])
  })

  it('is refused by the key of what the provider says, and the old one goes on acting', async () => {
    const before = await inUse()
    const disabled = await newKey()
    const { clientEmail } = readGoogleKeyFile(first)
    sandbox.google.mutate('disable-key', { serviceAccount: clientEmail, keyId: keyId(disabled) })
    for (const untested of [false, true])
      await expect(put(disabled, untested)).rejects.toMatchObject({
        ...{ status: 409, code: 'google.credential_key_invalid' },
        publicText: expect.stringMatching(/does not work for acme.test, and the old one stays: .*Create a new key/),
      })
    expect(await inUse()).toBe(before)
  })

  it('that cannot be tried on any mailbox is taken only when the operator says so', async () => {
    sandbox.google.faults.add({ path: '/calendar/*', answer: { status: 404, json: notFound } })
    const second = await newKey()
    await expect(put(second)).rejects.toMatchObject({ status: 409, code: 'untested' })
    await put(second, true)
    expect(await inUse()).toContain(keyId(second))
  })

  it('waits while the provider is out of order', async () => {
    sandbox.google.faults.add({ path: '/token', answer: { status: 503, text: 'away' } })
    await expect(put(await newKey(), true)).rejects.toMatchObject({ code: 'provider.unavailable', status: 503 })
  })

  it('is not held up by an organisation that does not work anyway, and its consent is none of its business', async () => {
    sandbox.google.mutate('remove-delegation', { clientId: readGoogleKeyFile(first).clientId })
    await expect(put(await newKey())).rejects.toMatchObject({ code: 'google.delegation_missing' })
    await fails()
    await expect(put(await newKey())).rejects.toMatchObject({ status: 409, code: 'untested' })
    const second = await newKey()
    await put(second, true)
    expect(await inUse()).toContain(keyId(second))
  })

  it('of one client is tried for its organisations, which the one for all then is not', async () => {
    await set.set({ provider: 'google', keyFiles: [await newKey()] }, 'cli_1')
    sandbox.google.faults.add({ path: '/token', answer: { status: 503, text: 'away' } })
    await put(await newKey())
    await expect(set.set({ provider: 'google', keyFiles: [await newKey()] }, 'cli_1')).rejects.toMatchObject({
      code: 'provider.unavailable',
    })
  })

  it('is tried by nobody where nobody depends on it', async () => {
    await sql('update service_accounts set revoked_at = now() where id = ?', [id])
    sandbox.google.faults.add({ path: '/token', answer: { status: 503, text: 'away' } })
    await put(await newKey())
  })
})

const notFound = { error: { code: 404, message: 'Not Found', errors: [{ domain: 'global', reason: 'notFound' }] } }
