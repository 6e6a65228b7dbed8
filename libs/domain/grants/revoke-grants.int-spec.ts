import { days } from '#platform/clock/clock.js'
import { CryptoRandom } from '#platform/secrets/random.js'
import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { HeldClock } from '#platform/testing/held-clock.js'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { Account } from './account.entity.js'
import { Code } from './code.entity.js'
import { Grant } from './grant.entity.js'
import { RedeemCode } from './redeem-code.js'
import { RevokeGrants } from './revoke-grants.js'
import { RotateRefreshToken } from './rotate-refresh-token.js'
import { CALLBACK_URL, fillServiceAccount } from './testing/fill-service-account.js'
import { AccessToken, RefreshToken } from './token.entity.js'
import { type IssuedTokens, Tokens } from './tokens.js'

const CLIENT = 'cli_acme'
const RACES = 500
const LIVES = { idleLifeMs: days(90), longestLifeMs: days(400) }

describe('revoking a mailbox while another process goes on with it', () => {
  const { url } = testDatabase()
  const clock = new HeldClock()

  /** What two processes have, with nothing between them but the database. */
  const openProcess = () => databaseForTests([Account, Grant, Code, AccessToken, RefreshToken], url)
  const [here, there] = [openProcess(), openProcess()]
  const partsOf = ({ database }: typeof here) => {
    const tokens = new Tokens(clock, new CryptoRandom())
    const revoke = new RevokeGrants(clock)
    const codes = new RedeemCode(database, clock, tokens, revoke)
    return {
      database,
      tokens,
      revoke,
      codes,
      refreshTokens: new RotateRefreshToken(database, clock, tokens, revoke, LIVES),
    }
  }

  beforeAll(async () => {
    const filled = { id: 'ser_1', clientId: CLIENT, mailboxes: RACES, now: clock.now() }
    await fillServiceAccount(partsOf(here).database, filled)
  })

  it(`leaves nothing that works, in ${RACES} such races: neither what there was nor what was issued meanwhile`, async () => {
    const [{ database, revoke }, other] = [partsOf(here), partsOf(there)]
    const opens = async (accessToken: string) =>
      (await other.tokens.findGrantByAccessToken(other.database.lookUp, accessToken)) !== null
    const [issued, tooLate]: [string[], string[]] = [[], []]
    const succeeds = async (work: Promise<IssuedTokens>) => {
      const tokens = await work.catch((error) => {
        if (error.code !== 'invalid_grant') throw error
        return null
      })
      if (!tokens) return null
      issued.push(tokens.accessToken.reveal())
      // Used at once: whoever remembered it would let it in for longer.
      await opens(tokens.accessToken.reveal())
      return tokens
    }

    const race = async (n: number) => {
      const client = Promise.resolve({ id: CLIENT })
      const [access, code] = [`access-ser_1-${n}`, `code-ser_1-${n}`]
      expect(await opens(access)).toBe(true)
      let isRevoked = false
      const refreshing = (async () => {
        // Again and again, until one is refused: so every moment of the revocation is met.
        for (let refreshToken = `refresh-ser_1-${n}`; ; ) {
          const hasEnded = isRevoked
          const tokens = await succeeds(other.refreshTokens.rotate({ refreshToken, client }))
          if (tokens && hasEnded) tooLate.push(refreshToken)
          if (!tokens || hasEnded) return
          refreshToken = tokens.refreshToken.reveal()
        }
      })()
      const redeeming = succeeds(other.codes.redeem({ code, client, redirectUri: CALLBACK_URL }))
      await database.inTransaction((tx) => revoke.revokeAllOfAccount(tx, `acc_ser_1_${n}`))
      isRevoked = true
      if (await opens(access)) tooLate.push(access)
      await Promise.all([refreshing, redeeming])
    }
    const left = Array.from({ length: RACES }, (_, i) => i + 1)
    const lane = async () => {
      for (let n = left.pop(); n !== undefined; n = left.pop()) await race(n)
    }
    await Promise.all(Array.from({ length: 8 }, lane))

    expect(tooLate).toEqual([])
    expect(issued).not.toEqual([])
    expect(await Promise.all(issued.map(opens))).not.toContain(true)
  }, 120_000)
})
