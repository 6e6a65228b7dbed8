import { CryptoRandom } from '#platform/secrets/random.js'
import { Secret } from '#platform/secrets/secret.js'
import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { HeldClock } from '#platform/testing/held-clock.js'
import { sealerForTests } from '#platform/testing/sealer-for-tests.js'
import { ProviderCredential } from './provider-credential.entity.js'
import { type NewProviderCredential, ProviderCredentials } from './provider-credentials.js'

describe('provider credentials', () => {
  const db = databaseForTests([ProviderCredential])
  const sealer = sealerForTests()
  const credentials = new ProviderCredentials(new HeldClock(), new CryptoRandom(), sealer)

  beforeAll(async () => {
    await sql(
      `insert into clients (id, name, redirect_uris, callback_origins, sealed_signing_secret, created_at)
       values ('cli_own', 'x', '{}', '{}', '', now()), ('cli_other', 'x', '{}', '{}', '', now())`,
    )
  })
  beforeEach(() => sql('delete from provider_credentials'))

  const sql = (text: string) => db.database.read((em) => em.execute(text))
  const set = (wanted: Omit<NewProviderCredential, 'provider'>) =>
    db.database.inTransaction((tx) => credentials.set(tx, { provider: 'google', ...wanted }))
  const find = (clientId: string) => db.database.read((em) => credentials.findWithSecret(em, 'google', clientId))

  it("finds the operator's for every client that has none of its own", async () => {
    await set({ clientId: null, credential: new Secret('of the operator') })
    await set({ clientId: 'cli_own', credential: new Secret('of the client') })

    expect((await find('cli_other'))?.credential?.reveal()).toBe('of the operator')
    expect((await find('cli_own'))?.credential?.reveal()).toBe('of the client')
  })

  it('finds nothing where only another client, or another provider, has one', async () => {
    await set({ clientId: 'cli_own', credential: new Secret('of the client') })
    await db.database.inTransaction((tx) =>
      credentials.set(tx, { provider: 'microsoft', clientId: null, credential: new Secret('elsewhere') }),
    )

    expect(await find('cli_other')).toBeNull()
  })

  it('keeps what is not given, and changes the version with every change', async () => {
    await set({ clientId: null, credential: new Secret('first') })
    const before = await find('cli_other')
    await set({ clientId: null, signIn: { clientId: 'app', clientSecret: new Secret('word') } })
    const after = await find('cli_other')

    expect(after?.credential?.reveal()).toBe('first')
    expect(after?.signIn?.clientSecret.reveal()).toBe('word')
    expect(after?.version).not.toBe(before?.version)
    expect(await db.database.read((em) => em.count(ProviderCredential))).toBe(1)
  })

  it("does not open a ciphertext that was moved into another client's row", async () => {
    await set({ clientId: null, credential: new Secret('of the operator') })
    await set({ clientId: 'cli_own', credential: new Secret('of the client') })
    await sql(
      `update provider_credentials set sealed_credential =
         (select sealed_credential from provider_credentials where client_id is null) where client_id = 'cli_own'`,
    )

    await expect(find('cli_own')).rejects.toThrow('altered')
  })

  it("lists all of them, the operator's own first", async () => {
    await set({ clientId: 'cli_own', credential: new Secret('of the client') })
    await set({ clientId: null, credential: new Secret('of the operator') })

    const listed = await db.database.read((em) => credentials.listWithSecret(em))

    expect(listed.map(({ clientId }) => clientId)).toEqual([null, 'cli_own'])
  })
})
