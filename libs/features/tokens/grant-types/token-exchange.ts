import { Injectable } from '@nestjs/common'
import type { AuthenticatedClient } from '#domain/clients/authenticate-client.js'
import { Account } from '#domain/grants/account.entity.js'
import type { Grant } from '#domain/grants/grant.entity.js'
import { Tokens } from '#domain/grants/tokens.js'
import { isDelegatedScope } from '#domain/providers/delegated-scopes.js'
import type { ProviderName } from '#domain/providers/provider.port.js'
import { PROVIDER_APIS } from '#domain/providers/provider-apis.js'
import { Database } from '#platform/database/database.js'
import { OAuthError } from '#platform/errors/oauth-error.js'
import { ProviderError } from '#platform/errors/provider-error.js'
import { RETRY_AFTER_SECONDS } from '#platform/http/unavailability.js'
import { type HandedOver, HandOverToken } from '../hand-over-token.js'
import { narrowScope } from '../narrow-scope.js'
import type { GrantType, TokenRequest } from './grant-type.js'

export const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token'

/** RFC 8693: a mailbox's access token of ours for one of its provider's, of the same mailbox and no wider scope (ADR 0024). */
@Injectable()
export class TokenExchange implements GrantType {
  readonly name = 'urn:ietf:params:oauth:grant-type:token-exchange'

  constructor(
    private readonly database: Database,
    private readonly tokens: Tokens,
    private readonly handOverToken: HandOverToken,
  ) {}

  async run(request: TokenRequest, client: Promise<AuthenticatedClient>): Promise<HandedOver> {
    const { id: clientId, mayHoldProviderTokens } = await client
    if (!mayHoldProviderTokens)
      throw new OAuthError(
        'unauthorized_client',
        "This client may not be given the provider's own tokens: the operator allows it, or it calls through the proxy.",
      )
    refuseOtherTypes(request)
    const grant = await this.#grantOf(request.subject_token, clientId)
    const account = await this.database.read((em) => em.findOneOrFail(Account, { id: grant.accountId }))
    refuseOtherTarget(request, account.provider)
    const scope = request.scope ? narrowScope(request.scope, grant) : grant.scope
    try {
      return await this.handOverToken.handOver(grant, account, scope.filter(isDelegatedScope))
    } catch (error) {
      throw error instanceof ProviderError ? inOAuthTerms(error) : error
    }
  }

  /** RFC 8693 section 2.2.2 has one error for every subject token that will not do; whose else it may be is not said. */
  async #grantOf(subjectToken: string | undefined, clientId: string): Promise<Grant> {
    if (!subjectToken) throw new OAuthError('invalid_request', 'subject_token: required.')
    const grant = await this.tokens.findGrantByAccessToken(this.database.lookUp, subjectToken)
    if (!grant || grant.clientId !== clientId)
      throw new OAuthError('invalid_request', 'subject_token: is no live access token of this client.')
    if (!grant.accountId)
      throw new OAuthError('invalid_request', "subject_token: is a service account's; it has to be a mailbox's.")
    return grant
  }
}

function refuseOtherTypes(request: TokenRequest): void {
  const { subject_token_type: subjectType, requested_token_type: wantedType, actor_token, actor_token_type } = request
  if (subjectType !== ACCESS_TOKEN_TYPE)
    throw new OAuthError('invalid_request', `subject_token_type: must be ${ACCESS_TOKEN_TYPE}.`)
  if (wantedType !== undefined && wantedType !== ACCESS_TOKEN_TYPE)
    throw new OAuthError('invalid_request', `requested_token_type: must be ${ACCESS_TOKEN_TYPE}, or left out.`)
  if (actor_token !== undefined || actor_token_type !== undefined)
    throw new OAuthError('invalid_request', 'actor_token: nobody acts for another here; leave it out.')
}

/** A mailbox is at one provider. Whoever names a target names that one, by its name or by where its API is. */
function refuseOtherTarget({ audience, resource }: TokenRequest, provider: ProviderName): void {
  const origins = PROVIDER_APIS[provider]
  if (audience !== undefined && audience !== provider)
    throw new OAuthError('invalid_target', `audience: this mailbox is at ${provider}.`)
  if (resource === undefined) return
  const url = URL.parse(resource)
  if (!url || resource.includes('#') || !origins.includes(url.origin))
    throw new OAuthError('invalid_target', `resource: must be a URI without a fragment at ${origins.join(' or ')}.`)
}

/** What is about this mailbox is an answer; what is about its organisation or about us passes, and the grant is as good as it was. */
function inOAuthTerms({ code, publicText, facts }: ProviderError): OAuthError {
  if (code === 'grant.token_too_wide') return new OAuthError('invalid_target', publicText)
  if (facts.class !== 'retry' && facts.effect === 'mailbox')
    return new OAuthError('invalid_grant', publicText, { detail: code })
  const retryAfter = facts.retryAfter ?? RETRY_AFTER_SECONDS
  return new OAuthError('temporarily_unavailable', publicText, { detail: code, retryAfter })
}
