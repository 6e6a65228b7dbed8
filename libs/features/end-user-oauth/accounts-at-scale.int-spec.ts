import { jest } from '@jest/globals'
import pg from 'pg'
import {
  FIND_TO_TAKE_BACK,
  IS_BEING_TAKEN_BACK,
  IS_CONSENT_SHARED,
} from '#domain/credentials/disconnected-credential-statements.js'
import { DisconnectedCredentials } from '#domain/credentials/disconnected-credentials.js'
import { ProviderCredential } from '#domain/credentials/provider-credential.entity.js'
import { ProviderCredentials } from '#domain/credentials/provider-credentials.js'
import { UserCredential } from '#domain/credentials/user-credential.entity.js'
import { CLAIM_CHECKS } from '#domain/credentials/user-credential-statements.js'
import { UserCredentials } from '#domain/credentials/user-credentials.js'
import { Account } from '#domain/grants/account.entity.js'
import { ConnectedAccounts } from '#domain/grants/connected-accounts.js'
import { Grant } from '#domain/grants/grant.entity.js'
import type { Providers } from '#domain/providers/providers.js'
import { ProviderTokens } from '#domain/providers/tokens/provider-tokens.js'
import { UserAccess } from '#domain/providers/user-access.js'
import type { UserSignIn } from '#domain/providers/user-sign-in.port.js'
import { hours, minutes } from '#platform/clock/clock.js'
import { Log } from '#platform/observability/log.js'
import { CryptoRandom } from '#platform/secrets/random.js'
import { Secret } from '#platform/secrets/secret.js'
import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { explain } from '#platform/testing/explain.js'
import { HeldClock } from '#platform/testing/held-clock.js'
import { sealerForTests } from '#platform/testing/sealer-for-tests.js'
import { CheckAccounts } from './check-accounts.js'
import { FindAccounts } from './find-accounts.js'
import { FindAuthorizations } from './find-authorizations.js'
import { FindIntegrations } from './find-integrations.js'
import { EXPIRED_SIGN_INS, SECRETS_OF_SIGN_INS } from './retained-sign-ins.js'

const ACCOUNTS = 10_000
/** Disconnected: the newest fifty are due, the others were tried while their provider was down, and are not due again yet. */
const WAITING = 4_000
const DUE = 300
/** Accounts of one user. */
const CROWD = 2_000
/** What a pass of the timer takes. */
const PASS = 20
/** Rows that one part of a plan may read, and blocks of 8 KiB that a statement may touch; the tables have thousands. */
const FEW = { rows: 200, blocks: 2_000 }
/** Blocks, for one row by its index. */
const BY_ONE_KEY = 20

describe('among ten thousand connected accounts', () => {
  const ground = databaseForTests([Account, Grant, UserCredential, ProviderCredential])
  const clock = new HeldClock()
  const [random, sealer, log] = [new CryptoRandom(), sealerForTests(), new Log('silent')]
  const settings = { googleSandboxUrl: null, microsoftSandboxUrl: null, timeoutMs: 5_000, mintsPerSecond: 1_000 }
  const operator = new ProviderCredentials(clock, random, sealer)
  const accounts = new ConnectedAccounts(clock, random)
  const user = { clientId: 'cli_1', userId: 'user-77' }
  const crowd = { clientId: 'cli_1', userId: 'everybody' }

  const sql = (text: string, values: unknown[] = []) =>
    ground.database.read((em) => em.execute<Record<string, unknown>[]>(text, values))
  const credentials = () =>
    new UserCredentials(ground.database, clock, random, sealer, operator, log, { timeoutMs: settings.timeoutMs })

  const disconnected = () => new DisconnectedCredentials(ground.database, clock, sealer, operator, log, settings)

  beforeAll(async () => {
    await sql(
      `insert into clients (id, name, redirect_uris, callback_origins, sealed_signing_secret, created_at)
       values ('cli_1', '', '{}', '{}', '', now())`,
    )
    // Each fourth has named no user, as individual connect does; the others have two accounts each, but for one name for many.
    await sql(
      `insert into accounts (id, client_id, user_id, provider, email, kind, provider_user_id, profile_id, created_at)
       select 'acc_' || n, 'cli_1', case when n > ${ACCOUNTS - WAITING - CROWD} and n <= ${ACCOUNTS - WAITING} then 'everybody' when n % 4 > 0 then 'user-' || n / 2 end, 'google', 'user' || n || '@acme.test',
         'person', 'person-' || n, 'pro_' || n, timestamptz '2026-01-01' + n * interval '1 minute'
       from generate_series(1, ${ACCOUNTS}) n`,
    )
    await sql(
      `insert into user_credentials (id, client_id, provider, provider_user_id, registration_id, sealed_refresh_token,
         granted_scopes, version, rotation, claim_fence, refresh_token_updated_at, access_token_updated_at,
         last_checked_at, check_at, disconnected_at, claimed_until)
       select 'acc_' || n, 'cli_1', 'google', 'person-' || n, 'app', '', '{}', '', 0, 0, now(), now(), now(),
         case when n <= ${ACCOUNTS - WAITING} then ?::timestamptz + (n - ${DUE}) * interval '1 second' end,
         case when n > ${ACCOUNTS - WAITING} then now() - n * interval '1 second' end,
         case when n > ${ACCOUNTS - WAITING} + 50 then now() + interval '5 minutes' end
       from generate_series(1, ${ACCOUNTS}) n`,
      [clock.now()],
    )
    await sql(
      `insert into grants (id, client_id, account_id, scope, created_at, revoked_at)
       select 'gra_' || n || which, 'cli_1', 'acc_' || n, '{calendars}', now(), case which when 'a' then now() end
       from generate_series(1, ${ACCOUNTS}) n, unnest(array['a', 'b']) which`,
    )
    await sql(
      `insert into integrations (id, client_id, user_id, provider, media_type, grant_id, created_at, updated_at)
       select 'int_' || n, 'cli_1', 'user-' || n / 2, 'google_calendar', 'calendar', 'gra_' || n || 'b', now(), now()
       from generate_series(1, ${ACCOUNTS}, 2) n`,
    )
    await sql(
      `insert into sign_ins (id, client_id, dialect, scope, step, sealed_attempt, created_at, expires_at)
       select 'sig_' || n, 'cli_1', 'morgen', '{}', 'connected', case when n % 100 = 0 then 'x' end, now(),
         ?::timestamptz + (n - 500) * interval '1 minute'
       from generate_series(1, ${2 * ACCOUNTS}) n`,
      [clock.now()],
    )
    await sql('analyze')
  })

  const expectCheap = async (text: string, values: readonly unknown[], most = FEW.blocks, mostRows = FEW.rows) => {
    const { scans, rows, blocks } = await explain(ground.database, text, values)
    expect({ text, scans }).toEqual({ text, scans: [] })
    expect(rows).toBeLessThanOrEqual(mostRows)
    expect(blocks).toBeLessThan(most)
  }

  it.each<[string, number, () => Promise<unknown[]>]>([
    ['accounts', 1, () => new FindAccounts(ground.database).find(user)],
    ['authorizations', 1, () => new FindAuthorizations(ground.database).find(user)],
    ['integrations', 2, () => new FindIntegrations(ground.database).find(user)],
  ])('the %s of one user are listed without a scan', async (_what, statements, find) => {
    const asked = jest.spyOn(pg.Client.prototype, 'query')
    const found = await find()
    const queries = queriesOf(asked.mock.calls as unknown[][])
    asked.mockRestore()
    expect(found).toHaveLength(2)
    expect(queries).toHaveLength(statements)
    for (const [text, values] of queries) await expectCheap(text, values)
  })

  // Each account has an ended grant beside the live one, and every second of those has a record that is another user's.
  it.each<[string, number, () => Promise<unknown[]>]>([
    ['accounts', 200, () => new FindAccounts(ground.database).find(crowd)],
    ['authorizations', 200, () => new FindAuthorizations(ground.database).find(crowd)],
    ['integrations', 100, () => new FindIntegrations(ground.database).find(crowd)],
  ])('only the newest %s of a client that calls all its users by one name are read', async (_, most, find) => {
    const asked = jest.spyOn(pg.Client.prototype, 'query')
    const found = await find()
    const queries = queriesOf(asked.mock.calls as unknown[][])
    asked.mockRestore()
    expect(found).toHaveLength(most)
    for (const [text, values] of queries) await expectCheap(text, values, FEW.blocks, 2 * FEW.rows)
  })

  it.each([
    ['of a user', 'user-77', 155],
    ['of nobody that the client has named', null, 156],
  ])('whoever comes back is recognised without a scan: an account %s', async (_what, userId, n) => {
    const owner = { clientId: 'cli_1', userId, provider: 'google', providerUserId: `person-${n}` } as const
    const asked = jest.spyOn(pg.Client.prototype, 'query')
    const found = await ground.database.read((em) => accounts.find(em, { ...owner, organisationId: null }))
    const queries = queriesOf(asked.mock.calls as unknown[][])
    asked.mockRestore()
    expect(found).toBe(`acc_${n}`)
    for (const [text, values] of queries) await expectCheap(text, values, BY_ONE_KEY)
    expect(queries).toHaveLength(1)
  })

  it.each<[string, string, () => unknown[]]>([
    ['the checks that are due', CLAIM_CHECKS.text, () => [clock.now(), PASS]],
    ['what has to be taken back, past all that waits for its provider', FIND_TO_TAKE_BACK.text, () => [PASS]],
    [
      'whether a consent is being taken back',
      numbered(IS_BEING_TAKEN_BACK),
      () => ['app', 'person-9000', 'google', 13_000],
    ],
    ['who else stands on a consent', IS_CONSENT_SHARED.text, () => [`acc_${ACCOUNTS - WAITING + 1}`]],
    ['the secrets of sign-ins that are over', SECRETS_OF_SIGN_INS.statement.text, () => [clock.now(), 100]],
    ['the sign-ins that are over', EXPIRED_SIGN_INS.statement.text, () => [clock.now(), 100]],
  ])('the timers find %s without a scan', (_what, text, values) => expectCheap(text, values()))

  it('what waits for its provider is due again when its time has come, behind what has been due for longer', async () => {
    const before = await disconnected().findToTakeBack(100)
    expect(before).toHaveLength(50)
    const waiting = `acc_${ACCOUNTS}`
    await sql(`update user_credentials set claimed_until = now() where id = ?`, [waiting])
    const due = await disconnected().findToTakeBack(100)
    expect([due.length, due.at(-1)]).toEqual([51, waiting])
  })

  describe('the timer that checks them', () => {
    const opened: ProviderTokens[] = []
    afterEach(() => Promise.all(opened.splice(0).map((tokens) => tokens.beforeApplicationShutdown())))

    /** One process, between a provider that answers and the real budget. */
    const open = (asked: string[]) => {
      const tokens = new ProviderTokens(ground.database, sealer, clock, random, log, settings)
      opened.push(tokens)
      const signIn: Pick<UserSignIn, 'refresh'> = {
        refresh: async (_registration, refreshToken) => {
          asked.push(refreshToken.reveal())
          const token = { accessToken: new Secret('access'), lifetimeMs: hours(1), refreshToken: null }
          return { ...token, grantedScopes: [] }
        },
      }
      const access = new UserAccess(tokens, signIn as UserSignIn, null as never)
      const providers = { userAccess: () => access } as unknown as Providers
      return {
        access,
        check: () =>
          new CheckAccounts(ground.database, accounts, credentials(), disconnected(), providers, log).checkDue(),
      }
    }

    /** Thirty that nobody has used for six hours, and nothing else that is due. */
    beforeEach(async () => {
      await sql('truncate provider_tokens, provider_budgets')
      await sql(`update user_credentials set check_at = null`)
      await ground.database.inTransaction(async (tx) => {
        const signIn = { clientId: 'app', clientSecret: new Secret('secret') }
        await operator.set(tx, { provider: 'google', clientId: null, signIn })
        for (let n = 1; n <= 30; n++)
          await credentials().keep(tx, {
            ...{ accountId: `acc_${n}`, clientId: 'cli_1', provider: 'google', providerUserId: `person-${n}` },
            ...{ organisationId: null, registrationId: 'app', grantedScopes: [], refreshToken: new Secret(`of ${n}`) },
          })
      })
      clock.advance(hours(6))
    })

    it('takes twenty a pass, and no account twice, however many processes there are', async () => {
      const asked: string[] = []
      expect(await open(asked).check()).toBe(PASS)
      expect(asked).toHaveLength(PASS)
      const passes = await Promise.all([open(asked).check(), open(asked).check()])
      expect(passes[0]! + passes[1]!).toBe(30 - PASS)
      expect(new Set(asked).size).toBe(30)
      expect(asked).toHaveLength(30)
    })

    it('yields to whoever uses an account, and comes back to those that had no place', async () => {
      const asked: string[] = []
      const { check, access } = open(asked)
      await check()
      asked.length = 0
      await sql(`update provider_budgets set free_at = now() + interval '1 hour' where lane like '% bulk'`)
      expect(await check()).toBe(30 - PASS)
      expect(asked).toEqual([])
      const [{ id } = { id: '' }] = (await sql(
        `select id from user_credentials where check_at = ?::timestamptz + interval '${minutes(10)} ms' limit 1`,
        [clock.now()],
      )) as { id: string }[]
      const account = await credentials().findConnection(id)
      expect(await access.use(account!, 'interactive', async (token) => token)).toBe('access')
      expect(asked).toHaveLength(1)
      const failed = await sql(`select id from user_credentials where last_checked_error is not null`)
      expect(failed).toEqual([])
    })
  })
})

/** As `Database.run` wants it. */
function numbered(text: string): string {
  let values = 0
  return text.replaceAll('?', () => `$${++values}`)
}

function queriesOf(calls: unknown[][]): [text: string, values: unknown[]][] {
  return calls.flatMap(([query, values]): [string, unknown[]][] => {
    const { text = query, values: own = values } = (typeof query === 'object' ? query : {}) as Record<string, unknown>
    return typeof text === 'string' && /^(select|with)/.test(text) ? [[text, (own as unknown[]) ?? []]] : []
  })
}
