import { BrokerError } from '#platform/errors/broker-error.js'
import type { ProviderError } from '#platform/errors/provider-error.js'

/**
 * Every way in which nothing is connected. `error` is what the client reads on its redirect, `oauth` the same in the words
 * of RFC 6749 section 4.1.2.1; the sentences keep to the characters of that section. What a person reads is in
 * pages/stops.en.
 */
const STOPS = {
  declined: {
    status: 403,
    error: 'access_denied',
    oauth: 'access_denied',
    text: 'The person did not allow the access.',
  },
  partial: {
    ...{ status: 403, error: 'partial_consent', oauth: 'access_denied' },
    text: 'The person allowed only a part of what was asked for. Nothing was connected: ask again, and all of it has to be ticked.',
  },
  wrongAccount: {
    ...{ status: 403, error: 'wrong_account', oauth: 'access_denied' },
    text: 'The person signed in with another account than the one that was asked for.',
  },
  wouldLose: {
    ...{ status: 409, error: 'partial_consent', oauth: 'access_denied' },
    text: 'This account is connected for other things too, and the code does not cover them. Get one for all of them together.',
  },
  beingTakenBack: {
    ...{ status: 409, error: 'being_disconnected', oauth: 'temporarily_unavailable' },
    text: 'This account was being disconnected at the same moment, and what was allowed may have ended with it. Start again.',
  },
  noRefreshToken: {
    ...{ status: 403, error: 'access_denied', oauth: 'access_denied' },
    text: 'The provider gave no lasting access. Ask again, with consent: at Google, force a refresh token for offline access.',
  },
  expired: {
    ...{ status: 410, error: 'expired', oauth: 'access_denied' },
    text: 'The sign-in took too long. Start again.',
  },
  used: {
    ...{ status: 400, error: 'state_used', oauth: 'access_denied' },
    text: 'This sign-in has been used already. Start again; if the account is in the list, it is connected.',
  },
  failed: {
    ...{ status: 403, error: 'sign_in_failed', oauth: 'server_error' },
    text: 'The sign-in did not work. Start again.',
  },
  providerDown: {
    ...{ status: 503, error: 'temporarily_unavailable', oauth: 'temporarily_unavailable' },
    text: 'The provider did not answer. Try again in a minute.',
  },
  notSetUp: {
    ...{ status: 409, error: 'provider_not_set_up', oauth: 'server_error' },
    text: 'The operator has set up no sign-in at this provider.',
  },
  clientChanged: {
    ...{ status: 409, error: 'client_changed', oauth: 'unauthorized_client' },
    text: 'The client was switched off, or its return address was removed, while the person was away.',
  },
  otherBrowser: {
    ...{ status: 403, error: 'other_browser', oauth: 'access_denied' },
    text: 'The sign-in came back in another browser than the one it was started in.',
  },
  // The rest meets only people who come to our own pages, and is never sent to a redirect URI.
  clientUnknown: {
    ...{ status: 400, error: 'client_unknown', oauth: 'unauthorized_client' },
    text: 'client_id names no client that is registered here.',
  },
  redirectRefused: {
    ...{ status: 400, error: 'redirect_uri_refused', oauth: 'invalid_request' },
    text: 'redirect_uri must be exactly one of the redirect URIs that are registered for this client.',
  },
  outOfDate: {
    ...{ status: 403, error: 'out_of_date', oauth: 'access_denied' },
    text: 'This form was used before, or the sign-in has moved on in another tab.',
  },
  foreignForm: {
    ...{ status: 403, error: 'foreign_form', oauth: 'access_denied' },
    text: 'The form did not come from our own page.',
  },
  unknown: { status: 404, error: 'not_found', oauth: 'access_denied', text: 'There is no such sign-in.' },
} as const

export type ConnectStopName = keyof typeof STOPS

export const stopFacts = (name: ConnectStopName): { error: string; oauth: string; text: string } => STOPS[name]

/** No account was connected, and why. */
export class ConnectStop extends BrokerError {
  /** More exactly what happened, in a sentence or a name, said to the person. */
  readonly shown: string | undefined

  constructor(
    readonly stop: ConnectStopName,
    { shown, detail }: { shown?: string | undefined; detail?: string | undefined } = {},
  ) {
    const { status, error, text } = STOPS[stop]
    super({ code: error, status, publicText: text, detail, retry: stop === 'providerDown' ? 'later' : 'never' })
    this.shown = shown
  }
}

/** What a provider's failure means to somebody who is connecting an account. */
export function stopOf(error: ProviderError): ConnectStop {
  const { class: kind, effect, problem } = error.facts
  const about = { shown: problem, detail: error.message }
  if (error.code.endsWith('.sign_in_declined') || error.code.endsWith('.consent_declined'))
    return new ConnectStop('declined', { detail: error.message })
  if (kind === 'retry') return new ConnectStop('providerDown', about)
  return new ConnectStop(effect === 'operator' ? 'notSetUp' : 'failed', about)
}
