import { days } from '#platform/clock/clock.js'
import { Log } from '#platform/observability/log.js'
import { CryptoRandom } from '#platform/secrets/random.js'
import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { HeldClock } from '#platform/testing/held-clock.js'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { until } from '#platform/testing/until.js'
import { Account } from './account.entity.js'
import { Code } from './code.entity.js'
import { Grant } from './grant.entity.js'
import { InspectToken } from './inspect-token.js'
import { RedeemCode } from './redeem-code.js'
import { RevokeGrants } from './revoke-grants.js'
import { RevokeServiceAccounts } from './revoke-service-accounts.js'
import { RotateRefreshToken } from './rotate-refresh-token.js'
import { CALLBACK_URL, fillServiceAccount } from './testing/fill-service-account.js'
import { AccessToken, RefreshToken } from './token.entity.js'
import { Tokens } from './tokens.js'

const CLIENT = 'cli_acme'
const MAILBOXES = 10_000
const LIVES = { idleLifeMs: days(90), longestLifeMs: days(400) }

describe('revoking a service account with ten thousand mailboxes', () => {
  const { url } = testDatabase()
  const clock = new HeldClock()
  const logged: string[] = []

  /** What two processes have, with nothing between them but the database. */
  const openProcess = () => databaseForTests([Account, Grant, Code, AccessToken, RefreshToken], url)
  const [one, other] = [openProcess(), openProcess()]
  const partsOf = ({ database }: typeof one) => {
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
    const { database } = partsOf(one)
    for (const [id, mailboxes] of [
      ['ser_b', MAILBOXES],
      ['ser_0', 1],
      ['ser_3', 1],
    ] as const)
      await fillServiceAccount(database, { id, clientId: CLIENT, mailboxes, now: clock.now() })
  })

  /** What of one mailbox works in a process. */
  async function works(process: typeof one, id: string, n: number) {
    const { database, tokens, codes, refreshTokens, inspect } = partsOf(process)
    const [access, code, refreshToken] = [`access-${id}-${n}`, `code-${id}-${n}`, `refresh-${id}-${n}`]
    const client = Promise.resolve({ id: CLIENT })
    const succeeds = (work: Promise<unknown>) =>
      work.then(
        () => true,
        (error) => error.code !== 'invalid_grant',
      )
    return {
      access: (await tokens.findGrantByAccessToken(database.lookUp, access)) !== null,
      introspection: (await inspect.find(database.lookUp, access, client)) !== null,
      code: await succeeds(codes.redeem({ code, client, redirectUri: CALLBACK_URL })),
      refresh: await succeeds(refreshTokens.rotate({ refreshToken, client })),
    }
  }
  const ALL = { access: true, introspection: true, code: true, refresh: true }
  const NOTHING = { access: false, introspection: false, code: false, refresh: false }

  const acts = (subject: string, act: string) =>
    sql<{ details: string }>('select details from audit_arrivals where subject = ? and act = ?', [subject, act])

  it('ends every grant, code, token and waiting request of it, in every process, and says how many', async () => {
    expect(await works(other, 'ser_b', 1)).toEqual(ALL)

    const begun = performance.now()
    const revoked = await partsOf(one).killSwitch.revoke('ser_b')
    const milliseconds = performance.now() - begun

    for (const n of [1, 2, 5_000, MAILBOXES]) expect(await works(other, 'ser_b', n)).toEqual(NOTHING)
    // The mailbox that was tried has used its code up, and holds three access tokens and its newest refresh token.
    const counts = { grants: MAILBOXES, codes: MAILBOXES - 1, tokens: 2 * MAILBOXES + 2, requests: MAILBOXES / 2 }
    expect(revoked).toMatchObject(counts)
    const [{ alive }] = (await sql<{ alive: number }>(
      `select count(*)::int as alive from grants where service_account_id = 'ser_b' and revoked_at is null`,
    )) as [{ alive: number }]
    expect(alive).toBe(0)
    expect(logged.map((line) => JSON.parse(line))).toContainEqual(
      expect.objectContaining({ msg: 'service_account.revoked', serviceAccount: 'ser_b', ...counts }),
    )
    expect(await acts('ser_b', 'service_account.revoked')).toHaveLength(1)
    const audited = (await acts('ser_b', 'service_account.grants_ended')).map(({ details }) => JSON.parse(details))
    const sum = (of: 'grants' | 'codes' | 'tokens') => audited.reduce((total, some) => total + some[of], 0)
    expect({ grants: sum('grants'), codes: sum('codes'), tokens: sum('tokens'), requests: counts.requests }).toEqual(
      counts,
    )
    // Some hundred milliseconds; bench/ has the figure.
    expect(milliseconds).toBeLessThan(20_000)
  })

  it('stops what was under way: the undecided are cancelled, the untold are not told', async () => {
    const states = await sql(
      `select decision, callback, ring_at is null as silent, count(*)::int from delegated_access_requests
       where service_account_id = 'ser_b' group by 1, 2, 3 order by 1, 2`,
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
    expect(await partsOf(one).killSwitch.revoke('ser_b')).toBeNull()
    expect(await works(other, 'ser_0', 1)).toEqual(ALL)
  })

  it('also ends a grant that was being made at that moment, and was not there to be counted', async () => {
    await partsOf(one).killSwitch.revoke('ser_0')
    await sql(`update grants set revoked_at = null where service_account_id = 'ser_0'`)
    expect(await works(other, 'ser_0', 1)).toEqual(NOTHING)
  })

  it('waits for no worker that holds a request of it', async () => {
    await fillServiceAccount(partsOf(one).database, { id: 'ser_c', clientId: CLIENT, mailboxes: 4, now: clock.now() })
    const held = Promise.withResolvers<void>()
    const done = Promise.withResolvers<void>()
    const worker = partsOf(other).database.inTransaction(async (tx) => {
      await tx.execute(
        `select 1 from delegated_access_requests where service_account_id = 'ser_c' and callback = 'waiting' for update`,
      )
      held.resolve()
      await done.promise
    })
    await held.promise
    try {
      expect(await partsOf(one).killSwitch.revoke('ser_c')).toMatchObject({ grants: 4, requests: 0 })
    } finally {
      done.resolve()
      await worker
    }
    expect(await partsOf(one).killSwitch.revoke('ser_c')).toMatchObject({ grants: 0, requests: 2 })
    expect(
      await sql(`select from delegated_access_requests where service_account_id = 'ser_c' and callback = 'waiting'`),
    ).toEqual([])
  })

  it('works before it has touched a single grant', async () => {
    await fillServiceAccount(partsOf(one).database, { id: 'ser_d', clientId: CLIENT, mailboxes: 4, now: clock.now() })
    expect(await works(other, 'ser_d', 4)).toEqual(ALL)
    const held = Promise.withResolvers<void>()
    const done = Promise.withResolvers<void>()
    const slow = partsOf(other).database.inTransaction(async (tx) => {
      await tx.execute(`select from grants where service_account_id = 'ser_d' for update`)
      held.resolve()
      await done.promise
    })
    await held.promise
    const revoking = partsOf(one).killSwitch.revoke('ser_d')
    revoking.catch(() => {})
    try {
      await until('the switch to be thrown', async () => (await acts('ser_d', 'service_account.revoked')).length === 1)
      // Not `works`: a refresh would wait for the grant that is held.
      const { database, tokens, codes } = partsOf(other)
      expect(await tokens.findGrantByAccessToken(database.lookUp, 'access-ser_d-1')).toBeNull()
      const redemption = { code: 'code-ser_d-1', client: Promise.resolve({ id: CLIENT }), redirectUri: CALLBACK_URL }
      await expect(codes.redeem(redemption)).rejects.toMatchObject({ code: 'invalid_grant' })
      expect(await acts('ser_d', 'service_account.grants_ended')).toEqual([])
    } finally {
      done.resolve()
      await slow
    }
    expect(await revoking).toMatchObject({ grants: 4, codes: 3 })
  })

  it('is finished by whoever repeats it, when it has died after its first commit', async () => {
    await fillServiceAccount(partsOf(one).database, { id: 'ser_e', clientId: CLIENT, mailboxes: 4, now: clock.now() })
    await sql(`update service_accounts set revoked_at = ?::timestamptz where id = 'ser_e'`, [clock.now()])
    expect(await partsOf(one).killSwitch.revoke('ser_e')).toEqual({ grants: 4, codes: 4, tokens: 8, requests: 2 })
    expect(await partsOf(one).killSwitch.revoke('ser_e')).toBeNull()

    await fillServiceAccount(partsOf(one).database, { id: 'ser_f', clientId: 'cli_f', mailboxes: 4, now: clock.now() })
    await sql(`update service_accounts set revoked_at = ?::timestamptz where id = 'ser_f'`, [clock.now()])
    const finished = { serviceAccounts: 1, grants: 4, codes: 4, tokens: 8, requests: 2 }
    expect(await partsOf(one).killSwitch.revokeAllOfClient('cli_f')).toEqual(finished)
  })

  it('leaves a code that comes while it is thrown unused, and calls that no replay', async () => {
    await fillServiceAccount(partsOf(one).database, { id: 'ser_g', clientId: 'cli_g', mailboxes: 1, now: clock.now() })
    await sql(`update service_accounts set revoked_at = ?::timestamptz where id = 'ser_g'`, [clock.now()])
    const redemption = { code: 'code-ser_g-1', client: Promise.resolve({ id: 'cli_g' }), redirectUri: CALLBACK_URL }
    await expect(partsOf(other).codes.redeem(redemption)).rejects.toMatchObject({ code: 'invalid_grant' })
    expect(await sql(`select redeemed_at from codes where grant_id = 'gra_ser_g_1'`)).toEqual([{ redeemed_at: null }])
    expect(await sql(`select from audit_arrivals where act = 'code.replayed' and subject = 'gra_ser_g_1'`)).toEqual([])
  })

  it('is what ends all of a client that is shut out', async () => {
    expect(await works(other, 'ser_3', 1)).toEqual(ALL)
    const revoked = await partsOf(one).killSwitch.revokeAllOfClient(CLIENT)
    expect(revoked).toMatchObject({ serviceAccounts: 1, grants: 1 })
    expect(await works(other, 'ser_3', 1)).toEqual(NOTHING)
  })
})
