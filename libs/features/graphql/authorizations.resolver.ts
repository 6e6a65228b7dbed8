import { Injectable } from '@nestjs/common'
import type { CallerKey } from '#domain/clients/authenticate-api-key.js'
import { isUserId, USER_ID_RULE } from '#domain/clients/user-id.js'
import { SOCRATE_USES } from '#domain/providers/user-scopes.js'
import { type Authorization, grantIdOf } from '#features/end-user-oauth/authorization.js'
import { type SocrateScope, socrateScopesOf } from '#features/end-user-oauth/dialects.js'
import { DisconnectAccount } from '#features/end-user-oauth/disconnect-account.js'
import { FindAuthorizations } from '#features/end-user-oauth/find-authorizations.js'
import { FinishConnecting } from '#features/end-user-oauth/finish-connecting.js'
import { StartConnecting } from '#features/end-user-oauth/start-connecting.js'
import { invalidField } from '#platform/errors/validation-error.js'
import { API_VERSION } from '#platform/http/openapi/openapi-document.js'
import type { RootFields } from './root-fields.js'

const PROVIDERS = { GOOGLE: 'google', MICROSOFT: 'microsoft' } as const
type SocrateProvider = keyof typeof PROVIDERS

interface Filter {
  filter: { approver: string; scope?: readonly (SocrateScope | null)[] | null }
}
interface Generate {
  input: { approver: string; provider: SocrateProvider; scope: readonly SocrateScope[] }
}
interface Finalize {
  input: { state: string; code: string }
}
interface Revoke {
  input: { id: string; approver: string }
}

/** The operations of the schema: the steps that every dialect stands on, asked and answered in the words of this one. */
@Injectable()
export class AuthorizationsResolver {
  constructor(
    private readonly startConnecting: StartConnecting,
    private readonly finishConnecting: FinishConnecting,
    private readonly findAuthorizations: FindAuthorizations,
    private readonly disconnectAccount: DisconnectAccount,
  ) {}

  readonly fields: RootFields = {
    query: {
      version: () => API_VERSION,
      authorizations: (asked: Filter, key) => this.#list(asked, key),
    },
    mutation: {
      generateAuthorizationRequest: (asked: Generate, key) => this.#generate(asked, key),
      finalizeAuthorization: (asked: Finalize, key) => this.#finalize(asked, key),
      revokeAuthorization: (asked: Revoke, key) => this.#revoke(asked, key),
    },
  }

  async #list({ filter }: Filter, key: CallerKey) {
    const found = await this.findAuthorizations.find(userOf('filter.approver', filter.approver, key))
    const wanted = (filter.scope ?? []).filter((scope) => scope !== null)
    return found.map(inWords).filter(({ scope }) => wanted.every((each) => scope.includes(each)))
  }

  async #generate({ input }: Generate, key: CallerKey) {
    const user = userOf('input.approver', input.approver, key)
    if (input.scope.length === 0)
      throw invalidField('input.scope', 'errors.required', 'required: what the user is to allow')
    const { url, state } = await this.startConnecting.start({
      ...user,
      dialect: 'socrate',
      provider: PROVIDERS[input.provider],
      scope: [...new Set(input.scope)].map((scope) => SOCRATE_USES[scope]),
    })
    return { url: url.href, state }
  }

  async #finalize({ input }: Finalize, { clientId }: CallerKey) {
    return inWords(await this.finishConnecting.finish(clientId, input))
  }

  async #revoke({ input }: Revoke, key: CallerKey) {
    const user = userOf('input.approver', input.approver, key)
    const [ended] = await this.disconnectAccount.disconnect(user, { grantId: grantIdOf(input.id) })
    return inWords(ended!)
  }
}

/** @throws ValidationError for what cannot be anybody's id */
function userOf(field: string, approver: string, { clientId }: CallerKey) {
  if (!isUserId(approver)) throw invalidField(field, 'errors.invalid', USER_ID_RULE)
  return { clientId, userId: approver }
}

function inWords({ id, userId, provider, scope, email, createdAt }: Authorization) {
  const words = socrateScopesOf(scope)
  return {
    ...{ id, approver: userId, provider: provider === 'google' ? 'GOOGLE' : 'MICROSOFT' },
    ...{ scope: words, createdAt: createdAt.toISOString() },
    userInfo: { email: words.includes('USER_INFO_EMAIL') ? email : null },
  }
}
