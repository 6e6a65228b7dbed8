import { Injectable } from '@nestjs/common'
import { type DelegatedScope, isDelegatedScope, scopesBeyond } from '#domain/providers/delegated-scopes.js'
import type { MailboxKind } from '#domain/providers/provider.port.js'
import { allowUrl } from '#platform/egress/allowed-url.js'
import { EgressPolicy } from '#platform/egress/egress-policy.js'
import { insufficientScope } from '#platform/errors/api-error.js'
import { EgressError } from '#platform/errors/egress-error.js'
import { type FieldProblem, type FieldProblems, ValidationError } from '#platform/errors/validation-error.js'
import type { Asker } from './acceptance-statements.js'
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
  callbackHost: string
  scope: DelegatedScope[]
}

export interface AskingContext {
  asker: Asker
  kinds: readonly MailboxKind[]
  nameOf: (index: number) => string
}

interface CheckedCallback {
  host: string
  problem: FieldProblem | null
}

/** Everything that can be said about a request without asking a provider. */
@Injectable()
export class CheckAskedAccess {
  constructor(private readonly egress: EgressPolicy) {}

  /** @throws ValidationError with every problem of every item; ApiError insufficient_scope */
  check(items: readonly AskedAccess[], context: AskingContext): CheckedAccess[] {
    const problems: FieldProblems = {}
    const seen = new Set<string>()
    // Of fifty items most name the same one.
    const callbacks = new Map<string, CheckedCallback>()
    const checked = items.map((item, index) => {
      const note = (field: string, problem: FieldProblem | null) => {
        const name = [context.nameOf(index), field].filter(Boolean).join('.')
        if (problem) problems[name] = [problem]
      }
      const email = canonicalAddress(item.email)
      note('email', emailProblem(email, seen))
      if (email) seen.add(email)
      const callback = callbacks.get(item.callbackUrl) ?? this.#checkCallback(item.callbackUrl, context.asker)
      callbacks.set(item.callbackUrl, callback)
      note('callback_url', callback.problem)
      note('scope', scopeProblem(item.scope, context.asker.delegatedScope as DelegatedScope[]))
      const scope = [...new Set(item.scope)] as DelegatedScope[]
      return { ...item, email: email ?? '', callbackHost: callback.host, scope }
    })
    if (Object.keys(problems).length > 0) throw new ValidationError(problems)
    for (const [index, { email }] of checked.entries()) refuseKindNotGranted(email, context, index)
    return checked
  }

  #checkCallback(text: string, { callbackOrigins }: Asker): CheckedCallback {
    try {
      const { origin, host } = allowUrl(text, this.egress)
      if (callbackOrigins.includes(origin)) return { host, problem: null }
      const description = `${origin} is not a registered callback origin of this client`
      return { host, problem: { key: 'errors.not_registered', description } }
    } catch (error) {
      if (!(error instanceof EgressError)) throw error
      return { host: '', problem: { key: 'errors.not_allowed', description: error.publicText } }
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
function refuseKindNotGranted(email: string, { asker, kinds, nameOf }: AskingContext, index: number) {
  if (asker.provider !== 'google') return
  const kind: MailboxKind = email.endsWith('@resource.calendar.google.com') ? 'room' : 'person'
  if (kinds.includes(kind)) return
  const needed = kind === 'room' ? 'service_account/resources/manage' : 'service_account/accounts/manage'
  throw insufficientScope(
    `${nameOf(index) || 'email'}: ${email} is a ${kind}'s mailbox, and the token does not hold ${needed}, or its administrator does not allow that any more.`,
  )
}
