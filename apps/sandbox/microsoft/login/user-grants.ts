import { createHash } from 'node:crypto'
import { AadstsError } from '../aadsts.js'
import { ANY_TENANT, type MicrosoftWorld } from '../microsoft-world.js'
import type { Registration } from '../registration.js'
import type { Fields } from '../request.js'
import type { SignIn } from '../tokens.js'
import { authenticateClient } from './authenticate-client.js'
import type { AssertionContext } from './client-assertion.js'
import { getRegistration } from './client-credentials.js'

/** The tokens of a person who has just signed in. */
export function authorizationCode(world: MicrosoftWorld, segment: string, form: Fields, context: AssertionContext) {
  const registration = authenticated(world, segment, form, context)
  if (!form.code) throw new AadstsError(900144, { parameter: 'code' })
  const code = world.tokens.findCode(form.code)
  if (!code || code.clientId !== registration.clientId) throw new AadstsError(70000)
  refuseOtherTenant(world, segment, code)
  if (code.expiresAt <= context.nowMs) throw new AadstsError(70008)
  if (code.redeemed) throw new AadstsError(54005)
  if (code.redirectUri !== form.redirect_uri) throw new AadstsError(500112, { redirect: form.redirect_uri ?? '' })
  if (code.challenge !== null && challengeOf(form.code_verifier ?? '') !== code.challenge) throw new AadstsError(501481)
  code.redeemed = true
  return userTokens(world, registration, code, form)
}

/** New tokens for a person who signed in before. The refresh token changes with every use; the old one still works, unless reuse is punished. */
export function refreshToken(world: MicrosoftWorld, segment: string, form: Fields, context: AssertionContext) {
  const registration = authenticated(world, segment, form, context)
  if (!form.refresh_token) throw new AadstsError(900144, { parameter: 'refresh_token' })
  const signIn = world.tokens.useRefreshToken(form.refresh_token)
  if (!signIn || signIn.clientId !== registration.clientId) throw new AadstsError(70000)
  refuseOtherTenant(world, segment, signIn)
  return userTokens(world, registration, narrowed(signIn, form.scope), form, signIn)
}

function authenticated(world: MicrosoftWorld, segment: string, form: Fields, context: AssertionContext): Registration {
  const registration = getRegistration(
    world,
    form.client_id,
    ANY_TENANT.has(segment) ? null : world.getTenant(segment),
    context.authority,
  )
  authenticateClient(registration, form, context)
  return registration
}

/** @param consented what the refresh token is good for afterwards, however little this access token is for */
function userTokens(
  world: MicrosoftWorld,
  registration: Registration,
  signIn: SignIn,
  form: Fields,
  consented: SignIn = signIn,
) {
  const tenant = world.getTenant(signIn.tenantId)
  const user = tenant.findAccount(signIn.userId)
  if (!user) throw new AadstsError(50034, { user: signIn.userId, tenant: tenant.displayName })
  if (!user.accountEnabled) throw new AadstsError(50057)
  const principal = tenant.principals.get(registration.clientId)
  if (!principal) throw new AadstsError(65001, { client: registration.clientId })
  if (!principal.enabled) throw new AadstsError(7000112, { client: registration.clientId })
  if (tenant.blockedByPolicy) throw new AadstsError(53003)
  const seconds = world.accessTokenSeconds
  const has = (scope: string) => signIn.scopes.includes(scope)
  return {
    token_type: 'Bearer',
    scope: signIn.scopes.filter((scope) => scope !== 'offline_access').join(' '),
    expires_in: seconds,
    ext_expires_in: seconds,
    access_token: world.tokens.issueUserToken(tenant, user, signIn, seconds),
    ...(has('offline_access') ? { refresh_token: world.tokens.issueRefreshToken(consented) } : {}),
    ...(has('openid') ? { id_token: world.tokens.issueIdToken(tenant, user, registration, signIn) } : {}),
    ...(form.client_info === '1'
      ? { client_info: Buffer.from(JSON.stringify({ uid: user.id, utid: tenant.id })).toString('base64url') }
      : {}),
  }
}

function refuseOtherTenant(world: MicrosoftWorld, segment: string, { tenantId }: SignIn): void {
  if (!ANY_TENANT.has(segment) && world.getTenant(segment).id !== tenantId) throw new AadstsError(700005)
}

/** Scopes of a refresh may be fewer than what was consented to; more than that needs a new sign-in. */
function narrowed(signIn: SignIn, asked: string | undefined): SignIn {
  if (!asked || asked.includes('/.default')) return signIn
  const scopes = scopesOf(asked)
  if (!scopes.every((scope) => OIDC_SCOPES.has(scope) || signIn.scopes.includes(scope)))
    throw new AadstsError(65001, { client: signIn.clientId })
  return { ...signIn, scopes }
}

const OIDC_SCOPES = new Set(['openid', 'profile', 'email', 'offline_access'])

/** Graph's delegated permissions may be written with or without the resource in front. */
export const scopesOf = (scope: string): string[] => [
  ...new Set(
    scope
      .split(' ')
      .filter(Boolean)
      .map((one) => one.replace(/^https:\/\/[^/]+\//, ''))
      .map((one) => (one === '.default' ? 'User.Read' : one)),
  ),
]

const challengeOf = (verifier: string) => createHash('sha256').update(verifier).digest('base64url')
