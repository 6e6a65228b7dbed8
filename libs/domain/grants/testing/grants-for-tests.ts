import { days } from '#platform/clock/clock.js'
import { CryptoRandom } from '#platform/secrets/random.js'
import type { Secret } from '#platform/secrets/secret.js'
import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { HeldClock } from '#platform/testing/held-clock.js'
import { Account } from '../account.entity.js'
import { Code } from '../code.entity.js'
import { Codes } from '../codes.js'
import { Grant } from '../grant.entity.js'
import { InspectToken } from '../inspect-token.js'
import { RedeemCode, type Redemption } from '../redeem-code.js'
import { RevokeGrants } from '../revoke-grants.js'
import { type Refresh, RotateRefreshToken } from '../rotate-refresh-token.js'
import { AccessToken, RefreshToken } from '../token.entity.js'
import { type IssuedTokens, Tokens } from '../tokens.js'
import { grantMailbox as grantAsMainPath, issueCallbackCode } from './statements-of-the-main-path.js'

export const CLIENT = 'cli_acme'
export const CALLBACK_URL = 'https://app.acme.test/callbacks?mailbox=1'
export const NOT_LET_IN = 'not let in'
export const LIVES = { idleLifeMs: days(90), longestLifeMs: days(400) }

/** Mailboxes of a test file's own service account, from their grant to the tokens that come of its code. */
export function grantsForTests() {
  const ground = databaseForTests([Account, Grant, Code, AccessToken, RefreshToken])
  const clock = new HeldClock()
  const random = new CryptoRandom()
  const codes = new Codes(clock, random)
  const tokens = new Tokens(clock, random)
  const revoke = new RevokeGrants(clock)
  const inspect = new InspectToken(clock, LIVES)
  let redeemCode: RedeemCode
  let refreshTokens: RotateRefreshToken
  let requests = 0

  beforeAll(async () => {
    redeemCode = new RedeemCode(ground.database, clock, tokens, revoke)
    refreshTokens = new RotateRefreshToken(ground.database, clock, tokens, revoke, LIVES)
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

  const grantMailbox = (email = 'anna@acme.test', providerUserId = email) =>
    grantAsMainPath(
      ground.database.run,
      {
        clientId: CLIENT,
        serviceAccountId: 'ser_1',
        provider: 'google',
        email,
        kind: 'person',
        displayName: null,
        providerUserId,
        scope: ['read_only', 'create_event'],
      },
      clock.now(),
    )
  const newRequestId = () => `dar_${++requests}`
  const issueCode = async (grantId: string, requestId = newRequestId()) => {
    const { code, ...stored } = codes.makeForCallback()
    const callback = { requestId, grantId, clientId: CLIENT, callbackUrl: CALLBACK_URL, ...stored }
    await issueCallbackCode(ground.database.run, callback, clock.now())
    return code.reveal()
  }
  const newCode = async () => {
    const requestId = newRequestId()
    const { grantId } = await grantMailbox()
    return { requestId, grantId, code: await issueCode(grantId, requestId) }
  }
  const clientNamed = (id: string) => Promise.resolve({ id })
  const nobody = () => Promise.reject<{ id: string }>(new Error(NOT_LET_IN))
  const redeem = (code: string, by: Partial<Redemption> = {}) =>
    redeemCode.redeem({ code, client: clientNamed(CLIENT), redirectUri: CALLBACK_URL, ...by })
  const refresh = (issued: IssuedTokens, by: Partial<Refresh> = {}) =>
    refreshTokens.rotate({ refreshToken: issued.refreshToken.reveal(), client: clientNamed(CLIENT), ...by })
  const facts = (token: Secret<string>, clientId = CLIENT) =>
    inspect.find(ground.database.lookUp, token.reveal(), clientNamed(clientId))
  const isAlive = async (issued: IssuedTokens) =>
    (await tokens.findGrantByAccessToken(ground.database.lookUp, issued.accessToken.reveal())) !== null
  /** What is on record about a grant. */
  const acts = async (grantId: string) => {
    const rows = await ground.database.read((em) =>
      em.execute<{ act: string }[]>('select act from audit_arrivals where client_id = ? and subject = ? order by act', [
        CLIENT,
        grantId,
      ]),
    )
    return rows.map(({ act }) => act)
  }
  const refused = (work: Promise<unknown>) => expect(work).rejects.toMatchObject({ code: 'invalid_grant', status: 400 })

  return {
    ...{ clock, codes, tokens, revoke, grantMailbox, issueCode, newCode, clientNamed, nobody, redeem, refresh, facts },
    ...{ isAlive, acts, refused },
    get database() {
      return ground.database
    },
  }
}
