import { EXPIRED_SECRETS } from '#domain/clients/retained-secrets.js'
import { FORGOTTEN_BREAKERS } from '#domain/deliveries/retained-breakers.js'
import { DEAD_REFRESH_TOKENS, EXPIRED_ACCESS_TOKENS, EXPIRED_CODES } from '#domain/grants/retained-grant-leftovers.js'
import { loadSettings } from '#platform/config/settings.js'
import { Log } from '#platform/observability/log.js'
import { scrape } from '#platform/observability/metrics.js'
import { RetentionTimer } from '#platform/retention/retention.timer.js'
import { defineRetention, type RetentionRule } from '#platform/retention/retention-rule.js'
import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { explain } from '#platform/testing/explain.js'
import { HeldClock } from '#platform/testing/held-clock.js'
import { FINISHED_REQUESTS } from '../delegated-access/retained-requests.js'
import { DELETED_INTEGRATIONS } from '../end-user-oauth/retained-integrations.js'
import { EXPIRED_SIGN_INS, SECRETS_OF_SIGN_INS } from '../end-user-oauth/retained-sign-ins.js'
import { FINISHED_EVENTS } from '../events/retained-events.js'
import { EXPIRED_CONSENTS, SECRETS_OF_CONSENTS } from '../service-accounts/retained-consents.js'

const RULES = [
  ...[FINISHED_REQUESTS, FINISHED_EVENTS, EXPIRED_CODES, EXPIRED_ACCESS_TOKENS, DEAD_REFRESH_TOKENS],
  ...EXPIRED_SECRETS,
  ...[
    FORGOTTEN_BREAKERS,
    SECRETS_OF_SIGN_INS,
    EXPIRED_SIGN_INS,
    DELETED_INTEGRATIONS,
    SECRETS_OF_CONSENTS,
    EXPIRED_CONSENTS,
  ],
]
/** More than a batch. */
const MANY = 2_500
const FEW = 40_000

describe('retention', () => {
  const db = databaseForTests([])
  const clock = new HeldClock()
  const { retention: keep } = loadSettings('standalone', {})
  const lines: string[] = []
  const log = new Log('info', (line) => lines.push(line))
  const sql = (text: string) => db.database.read((em) => em.execute<Record<string, unknown>[]>(text))
  const idsOf = async (table: string, id = 'id') =>
    (await sql(`select ${id} as id from ${table} order by 1`)).map((row) => row.id)
  const pass = (...rules: RetentionRule[]) =>
    new RetentionTimer(rules, keep, db.database, clock, log).pass(new AbortController().signal)
  const ago = (days: number) => `timestamptz '${clock.now().toISOString()}' - interval '${days} days'`

  beforeAll(async () => {
    await sql(`insert into clients (id, name, redirect_uris, callback_origins, sealed_signing_secret, created_at)
      values ('cli_1', 'Acme', '{}', '{}', '', now())`)
    for (const id of ['ser_1', 'ser_2'])
      await sql(`insert into service_accounts (id, client_id, provider, organisation_id, organisation_name, domains,
          administrator_email, credential_source, credential_version, scope, delegated_scope, created_at, updated_at)
        values ('${id}', 'cli_1', 'google', '${id}', 'Acme', '{}', '', 'operator', 'ver_1', '{}', '{}', now(), now())`)
    await sql(`insert into grants (id, client_id, service_account_id, scope, created_at)
      values ('gra_1', 'cli_1', 'ser_1', '{}', ${ago(500)})`)
    await sql(`insert into audit_events (client_id, sequence, version, month, at, act, actor, previous, hash)
      values ('cli_1', 1, 1, date_trunc('month', now()), ${ago(5000)}, 'mint.granted', 'mandate', '', '')`)
  })

  /** `n` numbers the rows. */
  const requests = (ids: string, from: number, to: number, created: string, ended: string, ringAt = 'null') =>
    sql(`insert into delegated_access_requests (id, client_id, service_account_id, fingerprint, email, callback_url,
        callback_host, scope,
        decision, callback, created_at, ended_at, ring_at)
      select '${ids}' || n, 'cli_1', 'ser_' || (1 + n % 2), '', '', 'https://app.test', 'app.test', '{}', 'granted', 'delivered',
        ${created}, ${ended}, ${ringAt} from generate_series(${from}, ${to}) n`)

  it('lets go of requests that ended long ago, with their attempts and codes, and of nothing that has not', async () => {
    await requests('old_', 1, MANY, ago(120), ago(91))
    await requests('kept_late_', 1, 3, ago(120), ago(89))
    await requests('kept_waiting_', 1, 3, ago(120), 'null', ago(0))
    await requests('kept_again_', 1, 3, ago(120), ago(100), ago(0))
    await requests('kept_young_', 1, FEW, ago(1), ago(1))
    await sql(`insert into callback_attempts (request_id, number, started_at)
      select id, 1, created_at from delegated_access_requests`)
    await sql(`insert into codes (code_hash, grant_id, client_id, redirect_uri, request_id, expires_at, redeemed_at)
      select id, 'gra_1', 'cli_1', '', id, created_at, created_at from delegated_access_requests`)
    await sql('analyze')

    const { scans } = await explain(db.database, `${FINISHED_REQUESTS.statement.text} -- explained`, [clock.now(), 0])
    expect(scans.filter((table) => table !== 'service_accounts')).toEqual([])

    // As two workers do.
    await Promise.all([pass(FINISHED_REQUESTS), pass(FINISHED_REQUESTS)])
    for (const [table, id] of [
      ['delegated_access_requests', 'id'],
      ['callback_attempts', 'request_id'],
      ['codes', 'request_id'],
    ])
      expect((await idsOf(table!, id)).filter((each) => !/^kept/.test(String(each)))).toEqual([])
    const [{ kept }] = (await sql('select count(*)::int as kept from delegated_access_requests')) as [{ kept: number }]
    expect(kept).toBe(FEW + 9)
  })

  it('lets go of codes and tokens when a second use of them says nothing any more', async () => {
    await sql(`delete from codes`)
    await sql(`insert into codes (code_hash, grant_id, client_id, redirect_uri, expires_at) values
      ('old', 'gra_1', 'cli_1', '', ${ago(31)}), ('kept', 'gra_1', 'cli_1', '', ${ago(29)})`)
    await sql(`insert into access_tokens (token_hash, grant_id, created_at, expires_at) values
      ('old', 'gra_1', ${ago(40)}, ${ago(31)}), ('kept', 'gra_1', ${ago(40)}, ${ago(29)})`)
    // One may lie unused for 365 days.
    await sql(`insert into refresh_tokens (token_hash, grant_id, generation, created_at, used_at) values
      ('old', 'gra_1', 0, ${ago(396)}, null), ('kept', 'gra_1', 0, ${ago(394)}, null),
      ('kept_used', 'gra_1', 0, ${ago(394)}, ${ago(300)})`)
    await pass(EXPIRED_CODES, EXPIRED_ACCESS_TOKENS, DEAD_REFRESH_TOKENS)
    expect(await idsOf('codes', 'code_hash')).toEqual(['kept'])
    expect(await idsOf('access_tokens', 'token_hash')).toEqual(['kept'])
    expect(await idsOf('refresh_tokens', 'token_hash')).toEqual(['kept', 'kept_used'])
  })

  it('lets go of the secrets of clients a while after they have expired, and of none that works or is the newest', async () => {
    const secrets = `('old', 'cli_1', 'sealed', now(), ${ago(31)}), ('kept_expired', 'cli_1', 'sealed', now(), ${ago(29)}),
      ('kept_overlapping', 'cli_1', 'sealed', now(), ${ago(-1)}), ('kept_newest', 'cli_1', 'sealed', ${ago(900)}, null)`
    await sql(`alter table client_secrets alter secret_hash set default ''`)
    await sql(`insert into client_secrets (id, client_id, sealed_secret, created_at, expires_at) values ${secrets}`)
    await sql(`insert into user_token_secrets (id, client_id, sealed_secret, created_at, expires_at) values ${secrets}`)
    await pass(...EXPIRED_SECRETS)
    for (const table of ['client_secrets', 'user_token_secrets'])
      expect(await idsOf(table)).toEqual(['kept_expired', 'kept_newest', 'kept_overlapping'])
  })

  it('lets go of events that were told or abandoned, and of breakers that nobody will close', async () => {
    const event = (id: string, created: string, ended: string, ringAt = 'null') =>
      sql(`insert into client_events (id, client_id, type, data, delivery, created_at, ended_at, ring_at)
        values ('${id}', 'cli_1', 'x', '{}', 'delivered', ${created}, ${ended}, ${ringAt})`)
    await event('old', ago(91), ago(91))
    await event('kept_young', ago(89), ago(89))
    await event('kept_waiting', ago(91), 'null', ago(0))
    const breaker = (host: string, since: string, openUntil: string) =>
      sql(`insert into callback_hosts (client_id, host, failures, failed_probes, failing_since, open_until, last_failure)
        values ('cli_1', '${host}', 1, 0, ${since}, ${openUntil}, '')`)
    await breaker('old', ago(31), 'null')
    await breaker('kept_young', ago(29), 'null')
    await breaker('kept_probed', ago(31), ago(1))
    await pass(FINISHED_EVENTS, FORGOTTEN_BREAKERS)
    expect(await idsOf('client_events')).toEqual(['kept_waiting', 'kept_young'])
    expect(await idsOf('callback_hosts', 'host')).toEqual(['kept_probed', 'kept_young'])
  })

  it('takes what a sign-in holds when its time is over, and the rest of it later', async () => {
    const signIn = (id: string, expires: string) =>
      sql(`insert into sign_ins (id, client_id, dialect, scope, step, sealed_attempt, created_at, expires_at)
        values ('${id}', 'cli_1', 'morgen', '{}', 'away', 'sealed', ${expires}, ${expires})`)
    await signIn('old', ago(31))
    await signIn('kept_over', ago(1))
    await signIn('kept_under_way', ago(-1))
    await pass(SECRETS_OF_SIGN_INS, EXPIRED_SIGN_INS)
    expect(await sql('select id, sealed_attempt from sign_ins order by id')).toEqual([
      { id: 'kept_over', sealed_attempt: null },
      { id: 'kept_under_way', sealed_attempt: 'sealed' },
    ])
  })

  it('lets go of integrations a while after they were deleted, once no sign-in for them is left', async () => {
    const integration = (id: string, deleted: string) =>
      sql(`insert into integrations (id, client_id, user_id, provider, media_type, grant_id, created_at, updated_at, deleted_at)
        values ('${id}', 'cli_1', 'anna', 'gmail', 'email', 'gra_1', ${ago(400)}, ${ago(400)}, ${deleted})`)
    await integration('old', ago(31))
    await integration('kept_late', ago(29))
    await integration('kept_there', 'null')
    await integration('kept_signing_in', ago(31))
    await sql(`insert into sign_ins (id, client_id, dialect, integration_id, scope, step, created_at, expires_at)
      values ('kept_for_one', 'cli_1', 'work-api', 'kept_signing_in', '{}', 'away', ${ago(31)}, ${ago(29)})`)
    await sql(`insert into integrations (id, client_id, user_id, provider, media_type, created_at, updated_at)
      select 'live_' || n, 'cli_1', 'ben', 'gmail', 'email', now(), now() from generate_series(1, ${FEW}) n`)
    await sql(`insert into sign_ins (id, client_id, dialect, integration_id, scope, step, created_at, expires_at)
      select 'live_' || n, 'cli_1', 'work-api', 'live_' || n, '{}', 'away', now(), now() from generate_series(1, ${FEW}) n`)
    await sql('analyze integrations, sign_ins')
    const { scans } = await explain(db.database, `${DELETED_INTEGRATIONS.statement.text} -- explained`, [
      clock.now(),
      0,
    ])
    expect(scans).toEqual([])

    const left = () => idsOf(`integrations where id not like 'live%'`)
    await pass(DELETED_INTEGRATIONS)
    expect(await left()).toEqual(['kept_late', 'kept_signing_in', 'kept_there'])
    await sql('delete from sign_ins')
    await pass(DELETED_INTEGRATIONS)
    expect(await left()).toEqual(['kept_late', 'kept_there'])
  })

  it('takes what a consent holds when its time is over, and the rest of it a week later', async () => {
    const consent = (id: string, expires: string) =>
      sql(`insert into consents (id, client_id, redirect_uri, scope, delegated_scope, cookie_hash, step, revision,
          sealed_credential, sealed_sign_in, created_at, expires_at)
        values ('${id}', 'cli_1', '', '{}', '{}', '', 'checking', 0, 'sealed', 'sealed', ${expires}, ${expires})`)
    await consent('old', ago(8))
    await consent('kept_over', ago(6))
    await consent('kept_under_way', ago(-1))
    await pass(SECRETS_OF_CONSENTS, EXPIRED_CONSENTS)
    expect(await sql('select id, sealed_credential, sealed_sign_in from consents order by id')).toEqual([
      { id: 'kept_over', sealed_credential: null, sealed_sign_in: null },
      { id: 'kept_under_way', sealed_credential: 'sealed', sealed_sign_in: 'sealed' },
    ])
  })

  it('passes over what somebody holds, and comes back for it', async () => {
    await requests('old_held_', 1, 2, ago(120), ago(91))
    await db.database.inTransaction(async (tx) => {
      await tx.execute(`select 1 from delegated_access_requests where id = 'old_held_1' for update`)
      await pass(FINISHED_REQUESTS)
    })
    const held = `delegated_access_requests where id like 'old%'`
    expect(await idsOf(held)).toEqual(['old_held_1'])
    await pass(FINISHED_REQUESTS)
    expect(await idsOf(held)).toEqual([])
  })

  it('takes so much in a pass and no more, says how far it is, and lets one rule that fails stop no other', async () => {
    const endless = defineRetention('endless', 0, 'select $2::int as rows where $1::timestamptz is not null')
    const broken = defineRetention('broken', 0, 'select nothing')
    lines.splice(0)
    await expect(pass(broken, endless)).rejects.toThrow(/nothing/)
    const progress = { msg: 'retention.deleted', name: 'endless', rows: 20_000, finished: false }
    expect(JSON.parse(lines[0]!)).toMatchObject(progress)
    const metrics = await scrape(() => {})
    expect(metrics).toMatch(/^mandate_retention_behind\{what="endless"\} 1$/m)
    expect(metrics).toMatch(/^mandate_retention_deleted_rows_total\{what="endless"\} 20000$/m)
    expect(metrics).toMatch(/^mandate_retention_behind\{what="finished requests"\} 0$/m)
  })

  it('never touches the audit', async () => {
    await pass(...RULES)
    expect(await idsOf('audit_events', 'client_id')).toEqual(['cli_1'])
    for (const { statement } of RULES) expect(statement.text).not.toMatch(/audit/)
  })
})
