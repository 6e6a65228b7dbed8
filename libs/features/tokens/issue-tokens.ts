import { Injectable } from '@nestjs/common'
import type { AuthenticatedClient } from '#domain/clients/authenticate-client.js'
import type { IssuedTokens } from '#domain/grants/tokens.js'
import { OAuthError } from '#platform/errors/oauth-error.js'
import { Log } from '#platform/observability/log.js'
import { Caller } from './caller.js'
import { AuthorizationCode } from './grant-types/authorization-code.js'
import type { GrantType, TokenRequest } from './grant-types/grant-type.js'
import { RefreshTokenGrant } from './grant-types/refresh-token.js'
import { TokenExchange } from './grant-types/token-exchange.js'
import type { HandedOver } from './hand-over-token.js'
import type { PresentedCredentials } from './presented-credentials.js'
import { TOKEN_GRANTS } from './tokens.metrics.js'

/** The token endpoint: who asks, with which grant type, and what comes of it. */
@Injectable()
export class IssueTokens {
  readonly #grantTypes: readonly GrantType[]

  constructor(
    private readonly caller: Caller,
    private readonly log: Log,
    authorizationCode: AuthorizationCode,
    refreshToken: RefreshTokenGrant,
    tokenExchange: TokenExchange,
  ) {
    this.#grantTypes = [authorizationCode, refreshToken, tokenExchange]
  }

  get grantTypes(): string[] {
    return this.#grantTypes.map(({ name }) => name)
  }

  /** @throws OAuthError */
  async issue(request: TokenRequest, credentials: PresentedCredentials): Promise<IssuedTokens | HandedOver> {
    // Whatever comes over the wire: the metric knows our words, and the rest is `other`.
    const type = request.grant_type as 'authorization_code'
    try {
      const tokens = await this.#issue(request, credentials)
      TOKEN_GRANTS.count({ type, outcome: 'issued' })
      return tokens
    } catch (error) {
      TOKEN_GRANTS.count({ type, outcome: error instanceof OAuthError ? error.error : 'failed' })
      throw error
    }
  }

  async #issue(request: TokenRequest, credentials: PresentedCredentials): Promise<IssuedTokens | HandedOver> {
    const authenticating = this.caller.authenticate(credentials)
    const issuing = this.#run(request, authenticating)
    // Whoever is not let in hears that, and nothing of what else is wrong.
    issuing.catch(() => {})
    const client = await authenticating
    const tokens = await issuing
    this.log.info('tokens.issued', { client: client.id, grant: tokens.grant.id, grantType: request.grant_type })
    return tokens
  }

  async #run(request: TokenRequest, client: Promise<AuthenticatedClient>): Promise<IssuedTokens | HandedOver> {
    const grantType = this.#grantTypes.find(({ name }) => name === request.grant_type)
    if (!grantType)
      throw new OAuthError('unsupported_grant_type', `grant_type must be one of: ${this.grantTypes.join(', ')}.`)
    return grantType.run(request, client)
  }
}
