import { Injectable } from '@nestjs/common'
import { recordAct } from '#domain/audit/record-act.js'
import { Clock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { OAuthError } from '#platform/errors/oauth-error.js'
import { failPoint } from '#platform/fail-points/fail-point.js'
import { note, traced } from '#platform/observability/tracing.js'
import { hashOf } from '#platform/secrets/random.js'
import { Code } from './code.entity.js'
import { proofKeyProblem } from './proof-key.js'
import { RevokeGrants } from './revoke-grants.js'
import { EXCHANGE_CODE, FIND_CODE, type FoundCode } from './token-statements.js'
import { type IssuedTokens, Tokens } from './tokens.js'

export interface Redemption {
  code: string
  /** Whose it has to be; looked for while that is being found out. */
  client: Promise<{ id: string }>
  redirectUri: string
  /** Of PKCE. */
  codeVerifier?: string | undefined
}

/** One text for every reason: which of them it was is the client's log's business, not a guesser's. */
const refused = (detail: string) =>
  new OAuthError(
    'invalid_grant',
    'The code is unknown, expired, used, or belongs to another redirect_uri or code_verifier.',
    { detail },
  )

/** Exchanges a code for tokens, once. */
@Injectable()
export class RedeemCode {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly tokens: Tokens,
    private readonly revoke: RevokeGrants,
  ) {}

  /** @throws OAuthError invalid_grant, and whatever `client` throws: then the code is as it was */
  redeem(redemption: Redemption): Promise<IssuedTokens> {
    return traced('redeem-code', {}, () => this.#redeem(redemption))
  }

  async #redeem(redemption: Redemption): Promise<IssuedTokens> {
    const codeHash = hashOf(redemption.code)
    const code = await this.#getCode(codeHash, redemption)
    note({ client: code.clientId, request: code.requestId })
    const tokens = await this.#exchange(codeHash, code)
    failPoint('redeem-code.committed')
    if (tokens) return tokens
    await this.#punishReplay(codeHash)
    throw refused('the code had been used, has expired, or its grant, service account or client has ended')
  }

  /**
   * The checks that need no lock. Whoever fails one neither burns the code nor ends what it bought: else everybody who
   * sees a code go by could (OAuth 2.1, "Reuse of Authorization Codes").
   */
  async #getCode(codeHash: string, { client, redirectUri, codeVerifier }: Redemption): Promise<FoundCode> {
    const [[code], { id: clientId }] = await Promise.all([this.database.lookUp(FIND_CODE, codeHash), client])
    if (!code) throw refused('no such code')
    if (code.clientId !== clientId) throw refused('the code belongs to another client')
    if (code.redirectUri !== redirectUri) throw refused('redirect_uri differs from the one the code was issued for')
    const problem = proofKeyProblem(code.codeChallenge, codeVerifier)
    if (problem) throw refused(problem)
    return code
  }

  /**
   * Null when another exchange was first, or the code or its grant has ended: the statement decides, not the checks above.
   * The code of a grant that has ended stays as it was, so that nobody takes that for a second use.
   */
  async #exchange(codeHash: string, code: FoundCode): Promise<IssuedTokens | null> {
    const { values, issuedFor } = this.tokens.make(code)
    const grant = await this.database.runTogether(EXCHANGE_CODE, [code.grantId, ...values, codeHash])
    return grant ? issuedFor(grant) : null
  }

  /** RFC 6749 section 4.1.2: a second use by the rightful client revokes what the first one got. A superseded code bought nothing. */
  async #punishReplay(codeHash: string): Promise<void> {
    await this.database.inTransaction(async (tx) => {
      const code = await tx.findOneOrFail(Code, { codeHash })
      if (!code.redeemedAt || (await this.revoke.revokeOne(tx, code.grantId)) === 0) return
      const { clientId, grantId: subject } = code
      await recordAct(tx, { clientId, at: this.clock.now(), act: 'code.replayed', subject })
    })
  }
}
