import { defineStatement } from '#platform/database/statement.js'
import { ProviderError } from '#platform/errors/provider-error.js'
import { Log } from '#platform/observability/log.js'
import { CryptoRandom } from '#platform/secrets/random.js'
import { Secret } from '#platform/secrets/secret.js'
import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { HeldClock } from '#platform/testing/held-clock.js'
import { sealerForTests } from '#platform/testing/sealer-for-tests.js'
import { DisconnectedCredentials } from '../disconnected-credentials.js'
import { ProviderCredential } from '../provider-credential.entity.js'
import { ProviderCredentials } from '../provider-credentials.js'
import { UserCredential } from '../user-credential.entity.js'
import { type SignedInUser, UserCredentials } from '../user-credentials.js'

export const ENDED = new ProviderError({
  provider: 'microsoft',
  key: 'grant.revoked',
  class: 'permanent',
  effect: 'mailbox',
  problem: 'Over.',
  fix: '',
})
export const OUTAGE = new ProviderError({ ...ENDED.facts, key: 'provider.unavailable', class: 'retry' })
export const hasEnded = (error: unknown) => error === ENDED

/** For a suite about what people have connected: a database of its own, and what a test does in it. */
export function userCredentialsForTests() {
  const db = databaseForTests([UserCredential, ProviderCredential])
  const sealer = sealerForTests()
  const clock = new HeldClock()
  const operator = new ProviderCredentials(clock, new CryptoRandom(), sealer)
  /** @param timeoutMs how long one call to a provider may take; a claim lasts three seconds longer */
  const open = (timeoutMs = 10_000) =>
    new UserCredentials(db.database, clock, new CryptoRandom(), sealer, operator, new Log('silent'), { timeoutMs })
  let credentials: UserCredentials
  beforeAll(() => {
    credentials = open()
  })
  const disconnected = () =>
    new DisconnectedCredentials(db.database, clock, sealer, operator, new Log('silent'), { timeoutMs: 10_000 })

  const sql = <Row>(text: string, ...values: unknown[]): Promise<Row[]> =>
    db.database.run(defineStatement<Row>('', text), values)
  const rowOf = (id = 'acc_1') => db.database.read((em) => em.findOneOrFail(UserCredential, { id }))

  beforeEach(async () => {
    await sql('delete from user_credentials')
    for (const table of ['audit_arrivals', 'client_events', 'clients']) await sql(`delete from ${table}`)
    await sql('delete from accounts')
  })

  const signedIn = (changes: Partial<SignedInUser> = {}): SignedInUser => ({
    accountId: 'acc_1',
    clientId: 'cli_1',
    provider: 'microsoft',
    providerUserId: 'person',
    organisationId: 'tenant',
    registrationId: 'app',
    refreshToken: new Secret('first'),
    grantedScopes: ['Calendars.Read'],
    ...changes,
  })
  const keep = async (changes: Partial<SignedInUser> = {}) => {
    const one = signedIn(changes)
    await sql(
      `insert into accounts (id, client_id, provider, email, kind, provider_user_id, profile_id, created_at)
       values ($1, $2, $3, 'ada@acme.test', 'person', $1, 'pro', now()) on conflict do nothing`,
      ...[one.accountId, one.clientId, one.provider],
    )
    return db.database.inTransaction((tx) => credentials.keep(tx, one))
  }
  const disconnect = (id = 'acc_1') => db.database.inTransaction((tx) => disconnected().disconnect(tx, id))
  const held = async (id = 'acc_1') => {
    let token: string | undefined
    await credentials.refresh(
      id,
      async (refreshToken) => {
        token = refreshToken.reveal()
        return { refreshToken: null }
      },
      hasEnded,
    )
    return token
  }
  const acts = () =>
    sql<{ act: string; reason: string | null; mailbox: string }>('select * from audit_arrivals order by id')
  return { db, sealer, clock, operator, open, disconnected, sql, rowOf, signedIn, keep, disconnect, held, acts }
}
