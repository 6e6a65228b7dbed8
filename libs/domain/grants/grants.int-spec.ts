import { minutes, seconds } from '#platform/clock/clock.js'
import { OAuthError } from '#platform/errors/oauth-error.js'
import { CryptoRandom } from '#platform/secrets/random.js'
import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { HeldClock } from '#platform/testing/held-clock.js'
import { Account } from './account.entity.js'
import { Code } from './code.entity.js'
import { CALLBACK_CODE_LIFE, Codes } from './codes.js'
import { Grant } from './grant.entity.js'
import { GrantMailbox } from './grant-mailbox.js'
import { RedeemCode } from './redeem-code.js'
import { RevokeGrants } from './revoke-grants.js'
import { REFRESH_GRACE, RotateRefreshToken } from './rotate-refresh-token.js'
import { AccessToken, RefreshToken } from './token.entity.js'
import { ACCOUNT_TOKEN_LIFE, type IssuedTokens, Tokens } from './tokens.js'

const CLIENT = 'cli_acme'
const CALLBACK_URL = 'https://app.acme.test/callbacks?mailbox=1'

describe('grants', () => {
  const ground = databaseForTests([Account, Grant, Code, AccessToken, RefreshToken])
  const clock = new HeldClock()
  const random = new CryptoRandom()
  const codes = new Codes(clock, random)
  const tokens = new Tokens(clock, random)
  const revoke = new RevokeGrants(clock)
  const mailboxes = new GrantMailbox(clock, random)
  let redeemCode: RedeemCode
  let refreshTokens: RotateRefreshToken
  let requests = 0

  beforeAll(async () => {
    redeemCode = new RedeemCode(ground.database, clock, tokens, revoke)
    refreshTokens = new RotateRefreshToken(ground.database, clock, tokens, revoke)
    await ground.database.read(async (em) => {
      for (const client of [CLIENT, 'cli_globex'])
        await em.execute(
          `insert into clients (id, name, redirect_uris, callback_origins, sealed_signing_secret, created_at)
           values (?, 'Acme', '{}', '{}', '', now())`,
          [client],
        )
      await em.execute(
        `insert into service_accounts (id, client_id, provider, organisation_id, organisation_name, domains,
           administrator_email, credential_source, credential_version, scope, delegated_scope, created_at, updated_at)
         values ('ser_1', ?, 'google', 'C01', 'Acme', '{acme.test}', 'admin@acme.test', 'operator', 'v', '{}', '{}', now(), now())`,
        [CLIENT],
      )
    })
  })

  const grantMailbox = (email = 'anna@acme.test') =>
    mailboxes.grant(ground.database.run, {
      clientId: CLIENT,
      serviceAccountId: 'ser_1',
      provider: 'google',
      email,
      kind: 'person',
      displayName: null,
      providerUserId: email,
      scope: ['read_only'],
    })
  const issueCode = (grantId: string, requestId: string) =>
    codes
      .issueForCallback(ground.database.run, { requestId, grantId, clientId: CLIENT, callbackUrl: CALLBACK_URL })
      .then(({ code }) => code.reveal())
  const newCode = async () => {
    requests += 1
    const requestId = `dar_${requests}`
    const { grantId } = await grantMailbox()
    return { requestId, grantId, code: await issueCode(grantId, requestId) }
  }
  const redeem = (code: string, by: Partial<{ clientId: string; redirectUri: string }> = {}) =>
    redeemCode.redeem({ code, clientId: CLIENT, redirectUri: CALLBACK_URL, ...by })
  const refresh = (issued: IssuedTokens, clientId = CLIENT) =>
    refreshTokens.rotate({ refreshToken: issued.refreshToken.reveal(), clientId })
  const isAlive = async (issued: IssuedTokens) =>
    (await ground.database.read((em) => tokens.findGrantByAccessToken(em, issued.accessToken.reveal()))) !== null
  const refused = (work: Promise<unknown>) => expect(work).rejects.toMatchObject({ code: 'invalid_grant', status: 400 })

  it('keeps the account id of a mailbox that is granted twice, and gives each grant tokens of its own', async () => {
    const [first, second] = [await grantMailbox('ben@acme.test'), await grantMailbox('ben@acme.test')]

    expect(second.accountId).toBe(first.accountId)
    expect(second.grantId).not.toBe(first.grantId)
  })

  describe('a code', () => {
    it('is exchanged by one of fifty that try at once, and the others end what it bought', async () => {
      const { code } = await newCode()
      const attempts = await Promise.allSettled(Array.from({ length: 50 }, () => redeem(code)))
      const won = attempts.filter((attempt) => attempt.status === 'fulfilled')

      expect(won).toHaveLength(1)
      expect(await isAlive(won[0]!.value)).toBe(false)
      for (const { reason } of attempts.filter((attempt) => attempt.status === 'rejected')) {
        expect(reason).toBeInstanceOf(OAuthError)
        expect(reason).toMatchObject({ code: 'invalid_grant' })
      }
    })

    it('ends its tokens when its rightful client uses it again', async () => {
      const { code } = await newCode()
      const issued = await redeem(code)
      expect(await isAlive(issued)).toBe(true)

      await refused(redeem(code))

      expect(await isAlive(issued)).toBe(false)
      await refused(refresh(issued))
    })

    it.each([
      ['another client', { clientId: 'cli_globex' }],
      ['another URL', { redirectUri: `${CALLBACK_URL}&more` }],
      ['a URL in other letters', { redirectUri: CALLBACK_URL.replace('https', 'HTTPS') }],
    ])('is neither burnt nor punished when it is tried with %s', async (_what, by) => {
      const { code } = await newCode()
      await refused(redeem(code, by))
      const issued = await redeem(code)

      await refused(redeem(code, by))

      expect(await isAlive(issued)).toBe(true)
    })

    it('dies after its life, and an expired one ends nothing', async () => {
      const { code } = await newCode()
      clock.advance(CALLBACK_CODE_LIFE)

      await refused(redeem(code))
    })

    it('dies when a later delivery attempt carries another, and its use ends nothing', async () => {
      const { code, grantId, requestId } = await newCode()
      const later = await issueCode(grantId, requestId)
      const issued = await redeem(later)

      await refused(redeem(code))

      expect(await isAlive(issued)).toBe(true)
    })

    it('buys nothing once its grant is revoked', async () => {
      const { code, grantId } = await newCode()
      await ground.database.inTransaction((tx) => revoke.revokeOne(tx, grantId))

      await refused(redeem(code))
    })

    it('says afterwards that its callback has arrived', async () => {
      const { code, requestId } = await newCode()
      const wasRedeemed = () => ground.database.read((em) => codes.wasRedeemed(em, requestId))
      expect(await wasRedeemed()).toBe(false)

      await redeem(code)

      expect(await wasRedeemed()).toBe(true)
    })
  })

  describe('an access token', () => {
    it('dies after its life', async () => {
      const issued = await redeem((await newCode()).code)
      clock.advance(ACCOUNT_TOKEN_LIFE - seconds(1))
      expect(await isAlive(issued)).toBe(true)

      clock.advance(seconds(1))

      expect(await isAlive(issued)).toBe(false)
    })

    it('dies with everything else under its service account', async () => {
      const issued = await redeem((await newCode()).code)

      await ground.database.inTransaction((tx) => revoke.revokeAllOfServiceAccount(tx, 'ser_1'))

      expect(await isAlive(issued)).toBe(false)
      await refused(refresh(issued))
    })
  })

  describe('a refresh token', () => {
    it('brings new tokens of the same grant', async () => {
      const first = await redeem((await newCode()).code)
      const second = await refresh(first)

      expect(second.grant.id).toBe(first.grant.id)
      expect(second.refreshToken.reveal()).not.toBe(first.refreshToken.reveal())
      expect(await isAlive(second)).toBe(true)
    })

    it('works once more within the grace period, because the answer may have been lost', async () => {
      const first = await redeem((await newCode()).code)
      await refresh(first)
      clock.advance(REFRESH_GRACE - seconds(1))

      expect(await isAlive(await refresh(first))).toBe(true)
    })

    it('lets each of two parallel refreshes go on with its own token', async () => {
      const issued = await redeem((await newCode()).code)
      const [left, right] = await Promise.all([refresh(issued), refresh(issued)])
      clock.advance(minutes(5))

      const next = await refresh(left)

      expect(await isAlive(await refresh(right))).toBe(true)
      expect(await isAlive(next)).toBe(true)
    })

    it('ends the whole grant when it is used after the grace period', async () => {
      const first = await redeem((await newCode()).code)
      const second = await refresh(first)
      clock.advance(REFRESH_GRACE)

      await refused(refresh(first))

      await refused(refresh(second))
      expect(await isAlive(second)).toBe(false)
    })

    it('ends the whole grant when it is two generations old, grace or not', async () => {
      const first = await redeem((await newCode()).code)
      const third = await refresh(await refresh(first))

      await refused(refresh(first))

      await refused(refresh(third))
    })

    it('does nothing for another client', async () => {
      const issued = await redeem((await newCode()).code)
      await refused(refresh(issued, 'cli_globex'))

      expect(await isAlive(await refresh(issued))).toBe(true)
    })

    it('leaves a working newest token when fifty refresh at once', async () => {
      const issued = await redeem((await newCode()).code)
      const all = await Promise.all(Array.from({ length: 50 }, () => refresh(issued)))
      clock.advance(minutes(5))

      expect(await isAlive(await refresh(all.at(-1)!))).toBe(true)
    })
  })

  it('keeps no value in the database that a holder could present', async () => {
    const { code } = await newCode()
    const issued = await redeem(code)
    const rows = await ground.database.read((em) =>
      em.execute(`select (select json_agg(c) from codes c)::text || (select json_agg(a) from access_tokens a)::text
        || (select json_agg(r) from refresh_tokens r)::text as everything`),
    )
    const stored = JSON.stringify(rows)

    for (const value of [code, issued.accessToken.reveal(), issued.refreshToken.reveal()])
      expect(stored).not.toContain(value)
  })
})
