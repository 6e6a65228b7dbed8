import { createHash } from 'node:crypto'
import { days, minutes, seconds } from '#platform/clock/clock.js'
import { OAuthError } from '#platform/errors/oauth-error.js'
import { Account } from './account.entity.js'
import { CALLBACK_CODE_LIFE } from './codes.js'
import { Grant } from './grant.entity.js'
import { REFRESH_GRACE } from './refresh-token-standing.js'
import { CALLBACK_URL, CLIENT, grantsForTests, LIVES, NOT_LET_IN } from './testing/grants-for-tests.js'
import { ACCOUNT_TOKEN_LIFE, REPLAY_MEMORY } from './tokens.js'

describe('grants', () => {
  const ground = grantsForTests()
  const { clock, codes, tokens, revoke, grantMailbox, issueCode, newCode } = ground
  const { clientNamed, nobody, redeem, refresh, refused, facts, isAlive, acts } = ground

  it('keeps the account id of a mailbox that is granted twice, and gives each grant tokens of its own', async () => {
    const [first, second] = [await grantMailbox('ben@acme.test'), await grantMailbox('ben@acme.test')]

    expect(second.accountId).toBe(first.accountId)
    expect(second.grantId).not.toBe(first.grantId)
  })

  it('goes by the person, whose address may change', async () => {
    const [before, after] = [await grantMailbox('c@acme.test', 'user 3'), await grantMailbox('d@acme.test', 'user 3')]
    const other = await grantMailbox('c@acme.test', 'user 4')

    expect(after.accountId).toBe(before.accountId)
    expect(other.accountId).not.toBe(before.accountId)
    const { email } = await ground.database.read((em) => em.findOneOrFail(Account, { id: before.accountId }))
    expect(email).toBe('d@acme.test')
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

    it('of many that come together is exchanged alone, and a used one among them ends what it bought and nothing else', async () => {
      const asked = await Promise.all(Array.from({ length: 12 }, newCode))
      const replayed = await redeem(asked[4]!.code)

      const answers = await Promise.allSettled(asked.map(({ code }) => redeem(code)))

      expect(answers.map(({ status }) => status)).toEqual(asked.map((_, n) => (n === 4 ? 'rejected' : 'fulfilled')))
      const issued = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
      expect(issued.map(({ grant }) => grant.id)).toEqual(asked.filter((_, n) => n !== 4).map(({ grantId }) => grantId))
      expect(await Promise.all(issued.map(isAlive))).not.toContain(false)
      expect(await isAlive(replayed)).toBe(false)
    })

    it('ends its tokens when its rightful client uses it again, on record', async () => {
      const { code, grantId } = await newCode()
      const issued = await redeem(code)
      expect(await isAlive(issued)).toBe(true)
      expect(await acts(grantId)).not.toContain('code.replayed')

      await refused(redeem(code))

      expect(await isAlive(issued)).toBe(false)
      await refused(refresh(issued))
      expect(await acts(grantId)).toContain('code.replayed')
    })

    it.each([
      ['another client', { client: clientNamed('cli_globex') }],
      ['another URL', { redirectUri: `${CALLBACK_URL}&more` }],
      ['a URL in other letters', { redirectUri: CALLBACK_URL.replace('https', 'HTTPS') }],
    ])('is neither burnt nor punished when it is tried with %s', async (_what, by) => {
      const { code } = await newCode()
      await refused(redeem(code, by))
      const issued = await redeem(code)

      await refused(redeem(code, by))

      expect(await isAlive(issued)).toBe(true)
    })

    it('is as it was when whoever tries it is not let in', async () => {
      const { code } = await newCode()
      await expect(redeem(code, { client: nobody() })).rejects.toThrow(NOT_LET_IN)
      const issued = await redeem(code)

      await expect(redeem(code, { client: nobody() })).rejects.toThrow(NOT_LET_IN)

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

  describe('a code with a challenge (RFC 7636)', () => {
    const VERIFIER = 'a-verifier.of_43_characters~or-more-0123456789'
    const codeChallenge = createHash('sha256').update(VERIFIER).digest('base64url')
    const codeOfBrowser = (challenge: string | null = codeChallenge) =>
      ground.database.inTransaction(async (tx) => {
        const { code } = await codes.issueForServiceAccount(tx, {
          clientId: CLIENT,
          serviceAccountId: 'ser_1',
          scope: ['service_account/accounts/manage'],
          redirectUri: CALLBACK_URL,
          codeChallenge: challenge,
        })
        return code.reveal()
      })

    it('is exchanged with its verifier, and with no other and none; those neither burn it nor end what it bought', async () => {
      const code = await codeOfBrowser()
      const wrong = [undefined, `${VERIFIER}x`, codeChallenge]
      for (const codeVerifier of wrong) await refused(redeem(code, { codeVerifier }))
      const issued = await redeem(code, { codeVerifier: VERIFIER })

      for (const codeVerifier of wrong) await refused(redeem(code, { codeVerifier }))
      expect(await isAlive(issued)).toBe(true)

      await refused(redeem(code, { codeVerifier: VERIFIER }))
      expect(await isAlive(issued)).toBe(false)
    })

    it('had none, and comes with a verifier: somebody took the challenge away, so it is refused', async () => {
      await refused(redeem(await codeOfBrowser(null), { codeVerifier: VERIFIER }))
      await refused(redeem((await newCode()).code, { codeVerifier: VERIFIER }))
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
  })

  describe('a refresh token', () => {
    it('brings new tokens of the same grant, on record', async () => {
      const { code, grantId } = await newCode()
      const first = await redeem(code)
      const second = await refresh(first)

      expect(second.grant.id).toBe(grantId)
      expect(second.refreshToken.reveal()).not.toBe(first.refreshToken.reveal())
      expect(await isAlive(second)).toBe(true)
      expect(await acts(grantId)).toEqual(['code.exchanged', 'token.refreshed'])
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

    it('ends the whole grant when it is used after the grace period, once on record', async () => {
      const { code, grantId } = await newCode()
      const first = await redeem(code)
      const second = await refresh(first)
      clock.advance(REFRESH_GRACE)

      await refused(refresh(first))
      await refused(refresh(first))

      await refused(refresh(second))
      expect(await isAlive(second)).toBe(false)
      expect((await acts(grantId)).filter((act) => act === 'token.replayed')).toHaveLength(1)
    })

    it('ends the whole grant when it is two generations old, grace or not', async () => {
      const first = await redeem((await newCode()).code)
      const third = await refresh(await refresh(first))

      await refused(refresh(first))

      await refused(refresh(third))
    })

    it('is kept for a week after its use, to be known again, and what is older makes no rows', async () => {
      const { code, grantId } = await newCode()
      let issued = await redeem(code)
      for (let day = 0; day < 20; day++) {
        clock.advance(days(1))
        issued = await refresh(issued)
      }
      const [rows] = await ground.database.read((em) =>
        em.execute(
          `select (select count(*)::int from access_tokens where grant_id = ?) as access,
             (select count(*)::int from refresh_tokens where grant_id = ?) as refresh`,
          [grantId, grantId],
        ),
      )
      // The newest, and one for each day of the week that is remembered.
      expect(rows).toEqual({ access: 1, refresh: 1 + REPLAY_MEMORY / days(1) + 1 })
    })

    it('ends the whole grant also when it was used days ago', async () => {
      const first = await redeem((await newCode()).code)
      let issued = first
      for (let day = 0; day < 6; day++) {
        issued = await refresh(issued)
        clock.advance(days(1))
      }
      await refused(refresh(first))

      await refused(refresh(issued))
    })

    it('brings an access token of less scope, and stays as wide as it was', async () => {
      const first = await redeem((await newCode()).code)
      const narrowed = await refresh(first, { narrow: () => ['read_only'] })
      const grant = await tokens.findGrantByAccessToken(ground.database.lookUp, narrowed.accessToken.reveal())

      expect([narrowed.scope, grant!.scope]).toEqual([['read_only'], ['read_only']])
      expect((await refresh(narrowed)).scope).toEqual(['read_only', 'create_event'])
    })

    it('of many that come together brings the tokens of its own grant, in the scope that was asked for it', async () => {
      const issued = await Promise.all(Array.from({ length: 12 }, async () => redeem((await newCode()).code)))

      const next = await Promise.all(
        issued.map((tokens, n) => refresh(tokens, n % 3 === 0 ? { narrow: () => ['create_event'] } : {})),
      )

      expect(next.map(({ grant }) => grant.id)).toEqual(issued.map(({ grant }) => grant.id))
      const said = await Promise.all(next.map(({ accessToken }) => facts(accessToken)))
      expect(said.map((token) => token?.scope)).toEqual(
        next.map((_, n) => (n % 3 === 0 ? ['create_event'] : ['read_only', 'create_event'])),
      )
      expect(await Promise.all(issued.map(isAlive))).not.toContain(false)
    })

    it('is as it was after a refresh that asked for too much', async () => {
      const first = await redeem((await newCode()).code)
      const tooMuch = () => {
        throw new OAuthError('invalid_scope', 'too much')
      }
      await expect(refresh(first, { narrow: tooMuch })).rejects.toMatchObject({ code: 'invalid_scope' })
      clock.advance(minutes(5))

      const second = await refresh(first)
      expect(second.grant.refreshGeneration).toBe(1)
    })

    it('ends when nobody has used it for long, and takes nothing else with it', async () => {
      const first = await redeem((await newCode()).code)
      clock.advance(LIVES.idleLifeMs - seconds(1))
      const second = await refresh(first)
      clock.advance(LIVES.idleLifeMs)

      await refused(refresh(second))
      expect(await facts(second.refreshToken)).toBeNull()
    })

    it('ends when the grant has had its time, however much it is used', async () => {
      const { code, grantId } = await newCode()
      let issued = await redeem(code)
      for (let gone = days(80); gone < LIVES.longestLifeMs; gone += days(80)) {
        clock.advance(days(80))
        issued = await refresh(issued)
      }
      const end = (await facts(issued.refreshToken))!.expiresAt
      const grant = await ground.database.read((em) => em.findOneOrFail(Grant, { id: grantId }))
      expect(end.getTime() - grant.createdAt.getTime()).toBe(LIVES.longestLifeMs)
      clock.advance(end.getTime() - clock.now().getTime())

      await refused(refresh(issued))
    })

    it('does nothing for whoever is not let in, also where it is used up', async () => {
      const issued = await redeem((await newCode()).code)
      await expect(refresh(issued, { client: nobody() })).rejects.toThrow(NOT_LET_IN)
      const refreshed = await refresh(issued)
      clock.advance(REFRESH_GRACE)

      await expect(refresh(issued, { client: nobody() })).rejects.toThrow(NOT_LET_IN)

      expect(await isAlive(refreshed)).toBe(true)
    })

    it('does nothing for another client', async () => {
      const issued = await redeem((await newCode()).code)
      await refused(refresh(issued, { client: clientNamed('cli_globex') }))

      expect(await isAlive(await refresh(issued))).toBe(true)
    })

    it('leaves a working newest token when fifty refresh at once', async () => {
      const issued = await redeem((await newCode()).code)
      const all = await Promise.all(Array.from({ length: 50 }, () => refresh(issued)))
      clock.advance(minutes(5))

      expect(await isAlive(await refresh(all.at(-1)!))).toBe(true)
    })
  })

  describe('what is said about a token', () => {
    it('is when each kind began and ends, and its scope', async () => {
      const begun = clock.now()
      const issued = await redeem((await newCode()).code)
      const scope = ['read_only', 'create_event']

      expect(await facts(issued.accessToken)).toMatchObject({
        ...{ kind: 'access', scope, issuedAt: begun },
        expiresAt: new Date(begun.getTime() + ACCOUNT_TOKEN_LIFE),
      })
      expect(await facts(issued.refreshToken)).toMatchObject({
        ...{ kind: 'refresh', scope, issuedAt: begun },
        expiresAt: new Date(begun.getTime() + LIVES.idleLifeMs),
      })
    })

    it('is nothing to another client, once it has expired, and once its grant is revoked', async () => {
      const issued = await redeem((await newCode()).code)
      expect(await facts(issued.accessToken, 'cli_globex')).toBeNull()
      expect(await facts(issued.refreshToken, 'cli_globex')).toBeNull()

      clock.advance(ACCOUNT_TOKEN_LIFE)
      expect(await facts(issued.accessToken)).toBeNull()

      await ground.database.inTransaction((tx) => revoke.revokeOne(tx, issued.grant.id))
      expect(await facts(issued.refreshToken)).toBeNull()
    })

    it('follows the grace period of a refresh token that has been used', async () => {
      const first = await redeem((await newCode()).code)
      const used = clock.now()
      await refresh(first)
      clock.advance(seconds(10))

      expect((await facts(first.refreshToken))!.expiresAt).toEqual(new Date(used.getTime() + REFRESH_GRACE))
      clock.advance(REFRESH_GRACE)
      expect(await facts(first.refreshToken)).toBeNull()
      expect(await isAlive(await refresh(await redeem((await newCode()).code)))).toBe(true)
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
