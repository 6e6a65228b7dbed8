import { ProviderError, type ProviderErrorClass, type ProviderErrorEffect } from '#platform/errors/provider-error.js'
import type { ProviderName } from './provider.port.js'

/**
 * What one error key means to us. The sentences reach administrators, callbacks and OAuth answers, so they keep to
 * the characters of RFC 6749 section 5.2: plain ASCII, no double quotes, no backslashes.
 */
export interface ErrorMeaning {
  class: ProviderErrorClass
  effect: ProviderErrorEffect
  problem: string
  fix: string
  /** Wait at least this long, also where the provider names no time. */
  waitSeconds?: number
}

/** What both providers can do to us. Each provider's own table is beside its classifier. */
export const PROVIDER_ERRORS = {
  'provider.unavailable': {
    class: 'retry',
    effect: 'connection',
    problem: 'The provider is having trouble and did not answer properly.',
    fix: '',
  },
  'provider.throttled': {
    class: 'retry',
    effect: 'connection',
    problem: 'The provider asked us to slow down.',
    fix: '',
  },
  'provider.unreachable': {
    class: 'retry',
    effect: 'operator',
    problem: 'The provider could not be reached.',
    fix: 'Whoever runs this installation should check its way out: DNS, TLS and any proxy.',
  },
  'provider.loop_detected': {
    class: 'retry',
    effect: 'operator',
    problem: 'The provider says that the same token was asked for too often.',
    fix: 'Whoever runs this installation should check that provider tokens are being cached.',
    waitSeconds: 300,
  },
  'provider.token_rejected': {
    class: 'permanent',
    effect: 'mailbox',
    problem: 'The provider does not accept the access token that it has just issued.',
    fix: 'Check that what the administrator granted is still in place, then ask again.',
  },
  'grant.revoked': {
    class: 'permanent',
    effect: 'mailbox',
    problem: 'The access that was given has expired or has been taken back.',
    fix: 'Ask the person to connect the account again.',
  },
  'grant.registration_replaced': {
    class: 'permanent',
    effect: 'mailbox',
    problem: 'The account was connected with a registration that is no longer used here.',
    fix: 'Ask the person to connect the account again.',
  },
  'grant.mailbox_reassigned': {
    class: 'permanent',
    effect: 'mailbox',
    problem: 'This address belongs to another person now than when access was given.',
    fix: 'Ask for the present address of the person who was meant. For the person who has this address now, first revoke the access that was given before, then ask again.',
  },
  'grant.token_too_wide': {
    class: 'permanent',
    effect: 'mailbox',
    problem: 'The provider has no token that opens no more than was granted.',
    fix: 'Call the provider through the proxy instead.',
  },
  'oauth.code_invalid': {
    class: 'permanent',
    effect: 'mailbox',
    problem: 'The sign-in took too long, or its link was used twice.',
    fix: 'Start again from the beginning.',
  },
} as const satisfies Record<string, ErrorMeaning>

export interface ErrorCircumstances {
  /** For the log only; see `forTheLog`. */
  detail?: string
  /** Seconds, as the provider asked. */
  retryAfter?: number
  /** Replaces the table's where it is too early, or too late, to wait. */
  class?: ProviderErrorClass
  /** So often it is worth asking. */
  tries?: number
  /** Replaces the table's sentence where the case at hand can be said more exactly. */
  problem?: string
  fix?: string
}

export function providerError(
  provider: ProviderName,
  key: string,
  meaning: ErrorMeaning,
  { detail, retryAfter, class: kind, tries, problem, fix }: ErrorCircumstances = {},
): ProviderError {
  const waitSeconds = Math.max(retryAfter ?? 0, meaning.waitSeconds ?? 0)
  return new ProviderError(
    {
      provider,
      key,
      class: kind ?? meaning.class,
      effect: meaning.effect,
      problem: problem ?? meaning.problem,
      fix: fix ?? meaning.fix,
      ...(waitSeconds > 0 && { retryAfter: waitSeconds }),
      ...(tries && { tries }),
    },
    detail,
  )
}

/** What is said of a person who is there no more: whoever may act as them has nothing left to act as. */
const ENDS_GRANTS: readonly string[] = ['google.subject_suspended', 'google.subject_deleted']

/** Whether a refusal of a mailbox that was granted ends what was granted. */
export const endsGrants = ({ code }: ProviderError) => ENDS_GRANTS.includes(code)

/** An address that was granted before, and whose holder is another by now. */
export const mailboxReassigned = (provider: ProviderName): ProviderError =>
  providerError(provider, 'grant.mailbox_reassigned', PROVIDER_ERRORS['grant.mailbox_reassigned'])

export const tokenTooWide = (provider: ProviderName, problem: string): ProviderError =>
  providerError(provider, 'grant.token_too_wide', PROVIDER_ERRORS['grant.token_too_wide'], { problem })

export const registrationReplaced = (provider: ProviderName): ProviderError =>
  providerError(provider, 'grant.registration_replaced', PROVIDER_ERRORS['grant.registration_replaced'])

export const accessEnded = (provider: ProviderName): ProviderError =>
  providerError(provider, 'grant.revoked', PROVIDER_ERRORS['grant.revoked'])

/** After which a refresh token is no longer good, and only its owner can mend that: they sign in again. */
const ENDS_USER_GRANT: ReadonlySet<string> = new Set([
  'grant.revoked',
  'grant.registration_replaced',
  'google.reauth_required',
  'google.admin_policy_blocked',
  'microsoft.interaction_required',
  'microsoft.consent_missing',
  'microsoft.blocked_by_policy',
  'microsoft.user_disabled',
  'microsoft.user_not_in_tenant',
  'microsoft.user_not_assigned',
])

/** Says of a failed refresh whether this one person's grant has ended. An outage, a throttle and our own registration's trouble have not ended it. */
export const endsUserGrant = (error: unknown): error is ProviderError =>
  error instanceof ProviderError && ENDS_USER_GRANT.has(error.code)

/**
 * The provider's own words, made fit for a log line: one line, short, without addresses and without anything that could
 * be a token, a code or an assertion. Everything else that came with the failure is dropped where it is caught.
 */
export function forTheLog(facts: Record<string, string | number | null | undefined>): string {
  return Object.entries(facts)
    .filter(([, value]) => value !== null && value !== undefined && value !== '')
    .map(([name, value]) => `${name}=${tidy(String(value))}`)
    .join(' ')
}

const tidy = (text: string) =>
  text
    .split(/[\r\n]/, 1)[0]!
    .replace(/[^\s'"<>(),:;]+@[^\s'"<>(),:;]+/g, '[address]')
    .replace(/[A-Za-z0-9_\-./+=~]{40,}/g, '[cut]')
    .slice(0, 200)
