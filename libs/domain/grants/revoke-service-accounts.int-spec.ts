import { MikroORM } from '@mikro-orm/postgresql'
import { days } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { ormOptions } from '#platform/database/migrate.js'
import { Log } from '#platform/observability/log.js'
import { CryptoRandom } from '#platform/secrets/random.js'
import { HeldClock } from '#platform/testing/held-clock.js'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { Account } from './account.entity.js'
import { Code } from './code.entity.js'
import { Grant } from './grant.entity.js'
import { InspectToken } from './inspect-token.js'
import { RedeemCode } from './redeem-code.js'
import { RevokeGrants } from './revoke-grants.js'
import { RevokeServiceAccounts } from './revoke-service-accounts.js'
import { RotateRefreshToken } from './rotate-refresh-token.js'
import { AccessToken, RefreshToken } from './token.entity.js'
import { Tokens } from './tokens.js'

const CLIENT = 'cli_acme'
const CALLBACK_URL = 'https://app.acme.test/callbacks'
const MAILBOXES = 10_000
const LIVES = { idleLifeMs: days(90), longestLifeMs: days(400) }

describe('revoking a service account with ten thousand mailboxes', () => {
  const { url } = testDatabase()
  const clock = new HeldClock()
  const logged: string[] = []
  let [one, other] = [] as unknown as [MikroORM, MikroORM]

  /** What two processes have, with nothing between them but the database. */
  const openProcess = async () =>
    MikroORM.init({ ...ormOptions(url), entities: [Account, Grant, Code, AccessToken, RefreshToken] })
  const partsOf = (orm: MikroORM) => {
    const database = new Database(orm)
    const tokens = new Tokens(clock, new CryptoRandom())
    const revoke = new RevokeGrants(clock)
    return {
      database,
      tokens,
      codes: new RedeemCode(database, clock, tokens, revoke),
      refreshTokens: new RotateRefreshToken(database, clock, tokens, revoke, LIVES),
      inspect: new InspectToken(clock, LIVES),
      killSwitch: new RevokeServiceAccounts(database, clock, new Log('info', (line) => logged.push(line))),
    }
  }
  const sql = <Row = Record<string, unknown>>(text: string, values: unknown[] = []) =>
    partsOf(one).database.read((em) => em.execute<Row[]>(text, values))

  beforeAll(async () => {
    ;[one, other] = [await openProcess(), await openProcess()]
    await sql(
      `insert into clients (id, name, redirect_uris, callback_origins, sealed_signing_secret, created_at)
       values (?, 'Acme', '{}', '{}', '', now())`,
      [CLIENT],
    )
    for (const [id, mailboxes] of [
      ['ser_big', MAILBOXES],
      ['ser_other', 1],
      ['ser_third', 1],
    ] as const)
      await fill(id, mailboxes)
    await sql('analyze')
  })
  afterAll(async () => {
    await one?.close()
    await other?.close()
  })

  /** Every mailbox has a grant, a live code, an access token and a refresh token; half of the requests still wait. */
  async function fill(id: string, mailboxes: number) {
    await sql(
      `insert into service_accounts (id, client_id, provider, organisation_id, organisation_name, domains,
         administrator_email, credential_source, credential_version, scope, delegated_scope, created_at, updated_at)
       values (?, ?, 'google', ?, 'Acme', '{acme.test}', 'admin@acme.test', 'operator', 'v', '{}', '{}', now(), now())`,
      [id, CLIENT, id],
    )
    const numbered = `from generate_series(1, ${mailboxes}) n`
    const hash = (prefix: string) =>
      `rtrim(translate(encode(sha256(('${prefix}-${id}-' || n)::bytea), 'base64'), '+/', '-_'), '=')`
    const [now, later] = [`timestamptz '${clock.now().toISOString()}'`, `timestamptz '2027-01-01'`]
    const owner = `'${CLIENT}', '${id}'`
    for (const statement of [
      `insert into accounts (id, client_id, service_account_id, provider, email, kind, provider_user_id, profile_id, created_at)
       select 'acc_${id}_' || n, ${owner}, 'google', 'user' || n || '@acme.test', 'person', n, n, ${now} ${numbered}`,
      `insert into grants (id, client_id, service_account_id, account_id, scope, created_at)
       select 'gra_${id}_' || n, ${owner}, 'acc_${id}_' || n, '{read_only}', ${now} ${numbered}`,
      `insert into codes (code_hash, grant_id, client_id, redirect_uri, request_id, expires_at)
       select ${hash('code')}, 'gra_${id}_' || n, '${CLIENT}', '${CALLBACK_URL}', 'dar_${id}_' || n, ${later} ${numbered}`,
      `insert into access_tokens (token_hash, grant_id, created_at, expires_at)
       select ${hash('access')}, 'gra_${id}_' || n, ${now}, ${later} ${numbered}`,
      `insert into refresh_tokens (token_hash, grant_id, generation, created_at)
       select ${hash('refresh')}, 'gra_${id}_' || n, 0, ${now} ${numbered}`,
      `insert into delegated_access_requests (id, client_id, service_account_id, fingerprint, email, callback_url, scope,
         decision, callback, ring_at, created_at)
       select 'dar_${id}_' || n, ${owner}, '', 'user' || n || '@acme.test', '${CALLBACK_URL}', '{read_only}',
         case n % 4 when 0 then 'pending' when 1 then 'denied' else 'granted' end,
         case when n % 2 = 0 then 'waiting' else 'delivered' end, ${now}, ${now} ${numbered}`,
    ])
      await sql(statement)
  }

  /** What of one mailbox works in a process. */
  async function works(orm: MikroORM, id: string, n: number) {
    const { database, tokens, codes, refreshTokens, inspect } = partsOf(orm)
    const [access, code, refreshToken] = [`access-${id}-${n}`, `code-${id}-${n}`, `refresh-${id}-${n}`]
    const succeeds = (work: Promise<unknown>) =>
      work.then(
        () => true,
        (error) => error.code !== 'invalid_grant',
      )
    return {
      access: (await database.read((em) => tokens.findGrantByAccessToken(em, access))) !== null,
      introspection: (await database.read((em) => inspect.find(em, access, CLIENT))) !== null,
      code: await succeeds(codes.redeem({ code, clientId: CLIENT, redirectUri: CALLBACK_URL })),
      refresh: await succeeds(refreshTokens.rotate({ refreshToken, clientId: CLIENT })),
    }
  }
  const ALL = { access: true, introspection: true, code: true, refresh: true }
  const NOTHING = { access: false, introspection: false, code: false, refresh: false }

  it('ends every grant, code, token and waiting request of it, in every process, and says how many', async () => {
    expect(await works(other, 'ser_big', 1)).toEqual(ALL)

    const begun = performance.now()
    const revoked = await partsOf(one).killSwitch.revoke('ser_big')
    const milliseconds = performance.now() - begun

    for (const n of [1, 2, 5_000, MAILBOXES]) expect(await works(other, 'ser_big', n)).toEqual(NOTHING)
    // The mailbox that was tried has used its code up, and holds three access tokens and its newest refresh token.
    const counts = { grants: MAILBOXES, codes: MAILBOXES - 1, tokens: 2 * MAILBOXES + 2, requests: MAILBOXES / 2 }
    expect(revoked).toMatchObject(counts)
    const [{ alive }] = (await sql<{ alive: number }>(
      `select count(*)::int as alive from grants where service_account_id = 'ser_big' and revoked_at is null`,
    )) as [{ alive: number }]
    expect(alive).toBe(0)
    expect(logged.map((line) => JSON.parse(line))).toContainEqual(
      expect.objectContaining({ msg: 'service_account.revoked', serviceAccount: 'ser_big', ...counts }),
    )
    const audited = await sql<{ details: string }>(
      `select details from audit_arrivals where act = 'service_account.revoked' and subject = 'ser_big'`,
    )
    expect(audited.map(({ details }) => JSON.parse(details))).toEqual([counts])
    // Some hundred milliseconds; bench/ has the figure.
    expect(milliseconds).toBeLessThan(20_000)
  })

  it('stops what was under way: the undecided are cancelled, the untold are not told', async () => {
    const states = await sql(
      `select decision, callback, ring_at is null as silent, count(*)::int from delegated_access_requests
       where service_account_id = 'ser_big' group by 1, 2, 3 order by 1, 2`,
    )
    const quarter = MAILBOXES / 4
    expect(states).toEqual([
      { decision: 'cancelled', callback: 'abandoned', silent: true, count: quarter },
      { decision: 'denied', callback: 'delivered', silent: false, count: quarter },
      { decision: 'granted', callback: 'abandoned', silent: true, count: quarter },
      { decision: 'granted', callback: 'delivered', silent: false, count: quarter },
    ])
    const audited = await sql(
      `select act, count(distinct subject)::int as requests, count(*)::int as rows from audit_arrivals
       where reason = 'service_account.revoked' group by act order by act`,
    )
    expect(audited).toEqual([
      { act: 'access.cancelled', requests: quarter, rows: quarter },
      { act: 'callback.abandoned', requests: quarter, rows: quarter },
    ])
  })

  it('ends nothing of another service account, and nothing more the second time', async () => {
    expect(await partsOf(one).killSwitch.revoke('ser_big')).toBeNull()
    expect(await works(other, 'ser_other', 1)).toEqual(ALL)
  })

  it('also ends a grant that was being made at that moment, and was not there to be counted', async () => {
    await partsOf(one).killSwitch.revoke('ser_other')
    await sql(`update grants set revoked_at = null where service_account_id = 'ser_other'`)
    expect(await works(other, 'ser_other', 1)).toEqual(NOTHING)
  })

  it('is what ends all of a client that is shut out', async () => {
    expect(await works(other, 'ser_third', 1)).toEqual(ALL)
    const revoked = await partsOf(one).killSwitch.revokeAllOfClient(CLIENT)
    expect(revoked).toMatchObject({ serviceAccounts: 1, grants: 1 })
    expect(await works(other, 'ser_third', 1)).toEqual(NOTHING)
  })
})
