import { BrokerError, type Retry } from './broker-error.js'

/** `permanent`: the request is refused and a person must act. `fatal`: so until the credential is replaced. `retry`: not an answer. */
export type ProviderErrorClass = 'permanent' | 'fatal' | 'retry'

/** How far the failure reaches: one mailbox, everything under this organisation's credential, or this installation. */
export type ProviderErrorEffect = 'mailbox' | 'connection' | 'operator'

export interface ProviderErrorFacts {
  provider: 'google' | 'microsoft'
  /** Our own name for it, e.g. `google.delegation_missing`; reference: the error tables in domain/providers. */
  key: string
  class: ProviderErrorClass
  effect: ProviderErrorEffect
  /** What happened, in a sentence for a person. */
  problem: string
  /** The one thing to do about it; empty where waiting is all there is. */
  fix: string
  /** Seconds, as the provider asked. */
  retryAfter?: number
  /** So often it is worth asking; after that the failure is an answer. */
  tries?: number
}

/**
 * What a provider's refusal or failure means to us. Built only by the classifiers in domain/providers.
 * Never carries the library's error as `cause`: those hold tokens.
 */
export class ProviderError extends BrokerError {
  readonly facts: ProviderErrorFacts

  constructor(facts: ProviderErrorFacts, detail?: string) {
    super({
      code: facts.key,
      status: statusOf(facts),
      publicText: facts.fix ? `${facts.problem} ${facts.fix}` : facts.problem,
      detail,
      logLevel: facts.effect === 'operator' ? 'error' : 'warn',
      retry: retryOf(facts),
    })
    this.facts = facts
  }
}

/** To a caller who was waiting: the provider's no is a no, and its silence is ours. */
function statusOf({ key, class: kind }: ProviderErrorFacts): number {
  if (key.endsWith('.not_found')) return 404
  if (kind !== 'retry') return 403
  return key === 'provider.throttled' ? 429 : 503
}

function retryOf(facts: ProviderErrorFacts): Retry {
  if (facts.class !== 'retry') return 'never'
  return facts.retryAfter === undefined ? 'later' : { after: facts.retryAfter }
}
