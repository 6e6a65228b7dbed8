/** What a queue should do after this error. `after` is in seconds and comes from whoever refused us (`Retry-After`). */
export type Retry = 'never' | 'later' | { readonly after: number }

export interface ErrorFacts {
  /** Stable, machine-readable; callers match on this and never on text. */
  code: string
  /** HTTP status that an edge answers with. */
  status: number
  /** May leave the process: says what was wrong, where, and what would be right. Never a secret, never a provider's body. */
  publicText: string
  /** For the log only. */
  detail?: string
  logLevel?: 'debug' | 'info' | 'warn' | 'error'
  retry?: Retry
  cause?: unknown
}

/** The one error family. Edges (HTTP, OAuth, queue) map it once; nothing else builds an answer out of an error. */
export abstract class BrokerError extends Error {
  readonly code: string
  readonly status: number
  readonly publicText: string
  readonly detail: string | undefined
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error'
  readonly retry: Retry

  constructor(facts: ErrorFacts) {
    super(`${facts.code}: ${facts.detail ?? facts.publicText}`, { cause: facts.cause })
    this.name = new.target.name
    this.code = facts.code
    this.status = facts.status
    this.publicText = facts.publicText
    this.detail = facts.detail
    this.logLevel = facts.logLevel ?? (facts.status >= 500 ? 'error' : 'info')
    this.retry = facts.retry ?? 'never'
  }
}
