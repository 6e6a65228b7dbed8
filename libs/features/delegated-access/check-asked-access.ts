import { Injectable } from '@nestjs/common'
import type { Client } from '#domain/clients/client.entity.js'
import type { ServiceAccount } from '#domain/credentials/service-account.entity.js'
import { type DelegatedScope, isDelegatedScope, scopesBeyond } from '#domain/providers/delegated-scopes.js'
import type { MailboxKind } from '#domain/providers/provider.port.js'
import { allowUrl } from '#platform/egress/allowed-url.js'
import { EgressPolicy } from '#platform/egress/egress-policy.js'
import { insufficientScope } from '#platform/errors/api-error.js'
import { EgressError } from '#platform/errors/egress-error.js'
import { type FieldProblem, type FieldProblems, ValidationError } from '#platform/errors/validation-error.js'
import { canonicalAddress } from './mailbox-address.js'

export interface AskedAccess {
  email: string
  callbackUrl: string
  scope: string[]
  state: string | null
}

export interface CheckedAccess extends AskedAccess {
  /** Canonical. */
  email: string
  scope: DelegatedScope[]
}

export interface AskingContext {
  client: Client
  account: ServiceAccount
  kinds: readonly MailboxKind[]
  nameOf: (index: number) => string
}

/** Everything that can be said about a request without asking a provider. */
@Injectable()
export class CheckAskedAccess {
  constructor(private readonly egress: EgressPolicy) {}

  /** @throws ValidationError with every problem of every item; ApiError insufficient_scope */
  check(items: readonly AskedAccess[], context: AskingContext): CheckedAccess[] {
    const problems: FieldProblems = {}
    const seen = new Set<string>()
    const checked = items.map((item, index) => {
      const note = (field: string, problem: FieldProblem | null) => {
        const name = [context.nameOf(index), field].filter(Boolean).join('.')
        if (problem) problems[name] = [problem]
      }
      const email = canonicalAddress(item.email)
      note('email', emailProblem(email, seen))
      if (email) seen.add(email)
      note('callback_url', this.#callbackProblem(item.callbackUrl, context.client))
      note('scope', scopeProblem(item.scope, context.account.delegatedScope as DelegatedScope[]))
      return { ...item, email: email ?? '', scope: [...new Set(item.scope)] as DelegatedScope[] }
    })
    if (Object.keys(problems).length > 0) throw new ValidationError(problems)
    for (const [index, { email }] of checked.entries()) refuseKindNotGranted(email, context, index)
    return checked
  }

  #callbackProblem(text: string, client: Client): FieldProblem | null {
    try {
      const { origin } = allowUrl(text, this.egress)
      if (client.callbackOrigins.includes(origin)) return null
      return {
        key: 'errors.not_registered',
        description: `${origin} is not a registered callback origin of this client`,
      }
    } catch (error) {
      if (!(error instanceof EgressError)) throw error
      return { key: 'errors.not_allowed', description: error.publicText }
    }
  }
}

function emailProblem(email: string | null, seen: ReadonlySet<string>): FieldProblem | null {
  if (!email)
    return { key: 'errors.invalid', description: 'must be one plain e-mail address, such as anna@example.com' }
  return seen.has(email) ? { key: 'errors.duplicate', description: `${email} is in this batch already` } : null
}

function scopeProblem(scope: readonly string[], ceiling: readonly DelegatedScope[]): FieldProblem | null {
  if (scope.length === 0) return { key: 'errors.required', description: 'required' }
  const unknown = scope.filter((name) => !isDelegatedScope(name))
  if (unknown.length > 0)
    return { key: 'errors.unknown_scope', description: `no such scope: ${unknown.join(' ').slice(0, 200)}` }
  const beyond = scopesBeyond(scope as DelegatedScope[], ceiling)
  if (beyond.length === 0) return null
  const description = `${beyond.join(' ')} lies outside the delegated_scope that the administrator granted (${ceiling.join(' ')})`
  return { key: 'errors.outside_delegated_scope', description }
}

/** Google's rooms show it in their address. Microsoft's do not: there the mint decides. */
function refuseKindNotGranted(email: string, { account, kinds, nameOf }: AskingContext, index: number) {
  if (account.provider !== 'google') return
  const kind: MailboxKind = email.endsWith('@resource.calendar.google.com') ? 'room' : 'person'
  if (kinds.includes(kind)) return
  const needed = kind === 'room' ? 'service_account/resources/manage' : 'service_account/accounts/manage'
  throw insufficientScope(
    `${nameOf(index) || 'email'}: ${email} is a ${kind}'s mailbox, and the token does not hold ${needed}, or its administrator does not allow that any more.`,
  )
}
