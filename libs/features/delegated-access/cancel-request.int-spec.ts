import { CallbackHost } from '#domain/deliveries/callback-host.entity.js'
import { Account } from '#domain/grants/account.entity.js'
import { Code } from '#domain/grants/code.entity.js'
import { Codes } from '#domain/grants/codes.js'
import { Grant } from '#domain/grants/grant.entity.js'
import { RevokeGrants } from '#domain/grants/revoke-grants.js'
import { after as later, minutes, seconds } from '#platform/clock/clock.js'
import { CryptoRandom } from '#platform/secrets/random.js'
import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { HeldClock } from '#platform/testing/held-clock.js'
import { until } from '#platform/testing/until.js'
import { CancelRequest } from './cancel-request.js'
import { CallbackAttempt, DelegatedAccessRequest } from './delegated-access-request.entity.js'
import { CLAIM_DELIVERY } from './delivery-statements.js'
import { FindRequests } from './find-requests.js'

const ID = 'dar_000000000000000000000001'
const URL = 'https://app.acme.test/cb'

describe('withdrawing a request', () => {
  const ground = databaseForTests([Account, Grant, Code, DelegatedAccessRequest, CallbackAttempt, CallbackHost])
  const clock = new HeldClock()

  const sql = <Row>(text: string, values: unknown[] = []) =>
    ground.database.read((em) => em.execute<Row[]>(text, values))

  it('and delivering it wait for one another, and neither fails, while its earlier code is being exchanged', async () => {
    const now = clock.now()
    const values = [now, now]
    await sql(`insert into clients (id, name, redirect_uris, callback_origins, sealed_signing_secret, created_at)
      values ('cli_acme', 'Acme', '{}', '{}', '', now())`)
    await sql(`insert into service_accounts (id, client_id, provider, organisation_id, organisation_name, domains,
      administrator_email, credential_source, credential_version, scope, delegated_scope, created_at, updated_at)
      values ('ser_1', 'cli_acme', 'google', 'C1', 'Acme', '{}', 'a@acme.test', 'operator', 'v', '{}', '{}', now(), now())`)
    await sql(`insert into grants (id, client_id, service_account_id, scope, created_at)
      values ('gra_1', 'cli_acme', 'ser_1', '{read_only}', now())`)
    await sql(
      `insert into delegated_access_requests (id, client_id, service_account_id, fingerprint, email, callback_url,
         callback_host, scope, decision, grant_id, callback, attempts, ring_at, created_at)
       values ('${ID}', 'cli_acme', 'ser_1', '', 'anna@acme.test', '${URL}', 'app.acme.test', '{read_only}', 'granted', 'gra_1', 'waiting',
         1, ?::timestamptz, ?::timestamptz)`,
      values,
    )
    await sql(`insert into codes (code_hash, grant_id, client_id, redirect_uri, request_id, expires_at)
      values ('earlier', 'gra_1', 'cli_acme', '${URL}', '${ID}', now() + interval '1 hour')`)

    const holding = Promise.withResolvers<void>()
    const exchanged = Promise.withResolvers<void>()
    const exchange = ground.database.inTransaction(async (tx) => {
      await tx.execute(`select from codes where code_hash = 'earlier' for update`)
      holding.resolve()
      await exchanged.promise
    })
    await holding.promise
    const waiting = (count: number) =>
      until(`${count} to wait for a lock`, async () => {
        const [row] = await sql<{ count: number }>(
          `select count(*)::int from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        )
        return row?.count === count
      })
    // Not together with others, which would make it once more if it failed.
    const lease = later(now, seconds(20))
    const delivery = ground.database.run(
      { ...CLAIM_DELIVERY, name: 'claim' },
      [ID, now, lease, 'later', later(now, minutes(10)), 'app.acme.test', false].map((value) => [value]),
    )
    delivery.catch(() => {})
    await waiting(1)
    const requests = new FindRequests(ground.database, clock)
    const codes = new Codes(clock, new CryptoRandom())
    const cancel = new CancelRequest(ground.database, clock, requests, codes, new RevokeGrants(clock))
    const owner = { clientId: 'cli_acme', serviceAccountId: 'ser_1', accountId: null } as Grant
    const withdrawal = cancel.cancel(owner, ID)
    withdrawal.catch(() => {})
    await waiting(2)
    exchanged.resolve()
    await exchange

    expect(await delivery).toMatchObject([{ id: ID, attempts: 2 }])
    expect(await withdrawal).toMatchObject({ decision: 'cancelled', callback: 'abandoned' })
    expect(await sql(`select code_hash from codes where superseded_at is null`)).toEqual([])
  })
})
