import { hash } from 'node:crypto'
import type { ProviderName } from '../provider.port.js'

export interface MintedToken {
  token: string
  lifetimeMs: number
}

/** `interactive`: somebody is waiting for the answer. `bulk`: a job is, and can come back. */
export type Urgency = 'interactive' | 'bulk'

/** A call for a token, as far as its pace is concerned. */
export interface BudgetedCall {
  provider: ProviderName
  /** Whose calls the provider counts together: an app or project, with the organisation where it counts by that too. */
  budget: string
  urgency: Urgency
}

export interface Mint extends BudgetedCall {
  mint: () => Promise<MintedToken>
}

export interface WantedToken extends Mint {
  /** Everything that the token depends on: the organisation, the credential's version, the subject, the scopes. */
  identity: readonly string[]
}

/** What is done with a token. Until then the provider takes it for sure; after that it may be gone. */
export type UseToken<T> = (token: string, usableUntil: Date) => Promise<T>

/** Says nothing of whose token it is. */
export const idOf = ({ provider, identity }: Pick<WantedToken, 'provider' | 'identity'>): string =>
  hash('sha256', JSON.stringify([provider, ...identity]), 'base64url')
