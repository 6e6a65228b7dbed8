import { z } from 'zod'
import type { DescribedAccount } from '#domain/grants/described-account.js'
import { subjectOf } from '#domain/grants/grant.entity.js'
import type { TokenFacts } from '#domain/grants/inspect-token.js'
import type { IssuedTokens } from '#domain/grants/tokens.js'
import { MICROSOFT_CONSUMERS, type Room } from '#domain/providers/provider.port.js'
import { requiredText, text } from '#platform/http/read-input.js'
import type { DescribedServiceAccount, DescribedToken } from '../described-token.js'
import { ACCESS_TOKEN_TYPE } from '../grant-types/token-exchange.js'
import type { HandedOver } from '../hand-over-token.js'
import type { PresentedCredentials } from '../presented-credentials.js'

const MOST = 4096

/** RFC 6749 section 3.2: a parameter without a value counts as left out. Ids and tokens may have any length. */
const parameter = text(MOST)
  .nullish()
  .transform((value) => value || undefined)

const credentials = { client_id: parameter, client_secret: parameter, client_assertion: parameter }

// SDKs add parameters of their own (a stale `refresh_token` beside a code, for one): only those of the grant type count.
export const tokenDto = z.object({
  ...credentials,
  grant_type: requiredText(200),
  code: parameter,
  redirect_uri: parameter,
  callback_url: parameter,
  code_verifier: parameter,
  refresh_token: parameter,
  scope: parameter,
  subject_token: parameter,
  subject_token_type: parameter,
  requested_token_type: parameter,
  actor_token: parameter,
  actor_token_type: parameter,
  audience: parameter,
  resource: parameter,
})

/** `refresh_token` is what the vendor's Node SDK sends when it is called without arguments. */
export const revocationDto = z.object({
  ...credentials,
  token: parameter,
  refresh_token: parameter,
  sub: parameter,
})

export const introspectionDto = z.object({ ...credentials, token: requiredText(MOST) })

export const toCredentials = (
  { client_id, client_secret, client_assertion }: { [Name in keyof typeof credentials]: string | undefined },
  authorization: string | undefined,
): PresentedCredentials => ({
  clientId: client_id,
  clientSecret: client_secret,
  clientAssertion: client_assertion,
  authorization,
})

export function toTokenBody({ accessToken, refreshToken, expiresInSeconds, scope, grant, account }: IssuedTokens) {
  const tokens = {
    token_type: 'bearer',
    access_token: accessToken.reveal(),
    expires_in: expiresInSeconds,
    refresh_token: refreshToken.reveal(),
    scope: scope.join(' '),
  }
  const sub = subjectOf(grant)
  if (!account) return { ...tokens, sub, service_account_id: sub }
  return { ...tokens, sub, account_id: account.id, linking_profile: linkingProfile(account) }
}

/** RFC 8693 section 2.2.1. The scope is said in our words, as it was asked for. */
export const toHandedOverBody = ({ token, expiresInSeconds, scope }: HandedOver) => ({
  access_token: token.reveal(),
  issued_token_type: ACCESS_TOKEN_TYPE,
  token_type: 'Bearer',
  expires_in: expiresInSeconds,
  scope: scope.join(' '),
})

/** RFC 7662 section 2.2: of a token that cannot be used nothing else is said. */
export function toIntrospectionBody(facts: TokenFacts | null, issuer: string) {
  if (!facts) return { active: false }
  const { kind, grant, scope, issuedAt, expiresAt } = facts
  return {
    active: true,
    scope: scope.join(' '),
    client_id: grant.clientId,
    // So that nobody takes a refresh token for one to call with: section 5.1 of RFC 6749 knows no such type.
    token_type: kind === 'access' ? 'bearer' : 'refresh_token',
    exp: secondsOf(expiresAt),
    iat: secondsOf(issuedAt),
    sub: subjectOf(grant),
    iss: issuer,
  }
}

const secondsOf = (time: Date) => Math.floor(time.getTime() / 1000)

/** The vendor's names for the two providers, which its SDKs' users compare with. */
const PROVIDER_NAMES = {
  google: { provider_name: 'google', provider_service: 'gsuite' },
  microsoft: { provider_name: 'exchange', provider_service: 'office365' },
} as const
/** The organisation of accounts that belong to none. */
const CONSUMERS = { google: null, microsoft: MICROSOFT_CONSUMERS }
const NAMES_FOR_CONSUMERS = {
  google: { provider_name: 'google', provider_service: 'google' },
  microsoft: { provider_name: 'live_connect', provider_service: 'outlook_com' },
} as const

const linkingProfile = ({ provider, profileId, email, isOwners, organisationId }: DescribedAccount) => ({
  ...(isOwners && organisationId === CONSUMERS[provider] ? NAMES_FOR_CONSUMERS : PROVIDER_NAMES)[provider],
  profile_id: profileId,
  profile_name: email,
})

export function toUserinfoBody(token: DescribedToken) {
  const scope = token.scope.join(' ')
  return token.account ? accountUserinfo(token.account, scope) : serviceAccountUserinfo(token.serviceAccount, scope)
}

const accountUserinfo = (account: DescribedAccount, scope: string) => ({
  sub: account.id,
  email: account.email,
  name: account.displayName ?? null,
  'cronofy.type': 'account',
  'cronofy.data': {
    authorization: { scope, status: 'active' },
    profiles: [
      { ...linkingProfile(account), profile_connected: account.connected, profile_initial_sync_required: false },
    ],
  },
})

/** With the flat keys of the first API beside the newer nested ones: each has clients that read it. */
function serviceAccountUserinfo(account: DescribedServiceAccount, scope: string) {
  const domain = account.domains[0] ?? account.organisationName
  const { provider_name } = PROVIDER_NAMES[account.provider]
  return {
    sub: account.id,
    email: account.administratorEmail,
    'cronofy.type': 'service_account',
    'cronofy.data': {
      service_account: { provider_name, domain },
      authorization: { scope, status: 'active', delegated_scope: account.delegatedScope.join(' ') },
    },
    'cronofy.service_account.domain': domain,
    'cronofy.service_account.email': account.administratorEmail,
  }
}

export function toAccountBody(token: DescribedToken) {
  const scope = token.scope.join(' ')
  if (!token.account) {
    const { id, administratorEmail, organisationName } = token.serviceAccount
    return { account: { account_id: id, email: administratorEmail, name: organisationName, scope }, sub: id }
  }
  const { id, email, displayName } = token.account
  return { account: { account_id: id, email, name: displayName ?? null, scope }, sub: id }
}

export const resourcesDto = z.object({
  include_details: text(200)
    .optional()
    .transform((value) => new Set(value?.split(' '))),
})

export const toResourceBody = (details: ReadonlySet<string>) => (room: Room) => ({
  email: room.email,
  name: room.name,
  ...(details.has('capacity') && room.capacity !== null ? { capacity: room.capacity } : {}),
  ...(details.has('location') ? { location: { building_name: room.building, floor_name: room.floor } } : {}),
})
