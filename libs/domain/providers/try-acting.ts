import { ProviderError, type ProviderErrorFacts } from '#platform/errors/provider-error.js'
import type { DelegatedPermission } from './delegated-scopes.js'
import type { MailboxKind, Organisation, OrganisationProvider } from './provider.port.js'

/** Mailboxes to try, of each kind that may be asked for: those of people and of rooms fail for different reasons. */
export type MailboxesToTry = Readonly<Record<MailboxKind, readonly string[]>>

export interface Finding {
  /** Null: nothing was found out, because the provider asked us to slow down or there was no mailbox to try. */
  state: 'active' | 'degraded' | 'failing' | null
  /** What is in the way. */
  refusal: ProviderErrorFacts | null
  /** A mailbox that was acted as. */
  proven: string | null
}

type Tried = Pick<Finding, 'refusal' | 'proven'>

/** By this Google may mean one person who has never signed in, or scopes that were not delegated at all. */
export const ABOUT_SOME_PERHAPS = 'google.delegation_scope_missing'

/**
 * Acts for real, as a mint does, with provider tokens of this trial alone: one from before may work for an hour after all
 * was taken back.
 * @param trial makes the tokens its own: never the same twice
 */
export async function tryActing(
  provider: OrganisationProvider,
  organisation: Organisation,
  permissions: readonly DelegatedPermission[],
  mailboxes: MailboxesToTry,
  trial: string,
): Promise<Finding> {
  const fresh = { ...organisation, credentialVersion: `${organisation.credentialVersion} ${trial}` }
  const tried: Tried[] = []
  for (const kind of ['person', 'room'] as const)
    if (mailboxes[kind].length > 0)
      tried.push(await tryEach(mailboxes[kind], (email) => provider.proveMailbox(fresh, email, permissions, [kind])))
  return findingOf(tried)
}

/** A refusal that is about one mailbox says that all else is in order; the next one may be luckier. */
async function tryEach(emails: readonly string[], prove: (email: string) => Promise<unknown>): Promise<Tried> {
  let refusal: ProviderErrorFacts | null = null
  for (const email of emails) {
    try {
      await prove(email)
      return { refusal: null, proven: email }
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error
      if (error.code === ABOUT_SOME_PERHAPS) refusal = error.facts
      else if (error.facts.effect !== 'mailbox') return { refusal: error.facts, proven: null }
    }
  }
  return { refusal, proven: null }
}

function findingOf(tried: readonly Tried[]): Finding {
  const proven = tried.find((each) => each.proven)?.proven ?? null
  const refusal = tried.find((each) => each.refusal)?.refusal ?? null
  if (tried.length === 0 || refusal?.key === 'provider.throttled') return { state: null, refusal, proven }
  if (!refusal) return { state: 'active', refusal, proven }
  const inPart = tried.some((each) => !each.refusal) || refusal.class === 'retry' || refusal.key === ABOUT_SOME_PERHAPS
  return { state: inPart ? 'degraded' : 'failing', refusal, proven }
}
