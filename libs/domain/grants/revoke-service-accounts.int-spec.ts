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
    const { database } = partsOf(one)
    for (const [id, mailboxes] of [
      ['ser_b', MAILBOXES],
      ['ser_0', 1],
      ['ser_3', 1],
    ] as const)
      await fillServiceAccount(database, { id, clientId: CLIENT, mailboxes, now: clock.now() })
  })
  afterAll(async () => {
    await one?.close()
    await other?.close()
  })

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
    const audited = await sql<{ details: string }>(
      `select details from audit_arrivals where act = 'service_account.revoked' and subject = 'ser_b'`,
    )
    expect(audited.map(({ details }) => JSON.parse(details))).toEqual([counts])
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
      expect(await partsOf(one).killSwitch.revoke('ser_c')).toMatchObject({ grants: 4, requests: 2 })
    } finally {
      done.resolve()
      await worker
    }
    await partsOf(one).killSwitch.revoke('ser_c')
    expect(
      await sql(`select from delegated_access_requests where service_account_id = 'ser_c' and callback = 'waiting'`),
    ).toEqual([])
  })

  it('is what ends all of a client that is shut out', async () => {
    expect(await works(other, 'ser_3', 1)).toEqual(ALL)
    const revoked = await partsOf(one).killSwitch.revokeAllOfClient(CLIENT)
    expect(revoked).toMatchObject({ serviceAccounts: 1, grants: 1 })
    expect(await works(other, 'ser_3', 1)).toEqual(NOTHING)
  })
})
