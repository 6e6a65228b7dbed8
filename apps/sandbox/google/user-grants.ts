import { LIFETIME_SECONDS, maySignIn } from './access-tokens.js'
import { refusal } from './errors.js'
import type { GoogleWorld } from './google-world.js'
import type { IdTokenSigner } from './id-token.js'
import { OPENID } from './scopes.js'
import type { OAuthClientSeed } from './seed.js'
import type { TextFields } from './text-fields.js'
import { type UserConsent, verifierMatches } from './user-consents.js'

/** The fields of a token request, and its `Authorization` header. */
export interface TokenRequest {
  form: TextFields
  authorization: string | undefined
}

/** RFC 6749 section 4.1.3. */
export function codeGrant(world: GoogleWorld, signer: IdTokenSigner, request: TokenRequest) {
  const { form } = request
  const client = authenticatedClient(world, request)
  if (!form.code) throw refusal('oauth.code_missing')
  const code = world.consents.takeCode(form.code)
  if (code === 'unknown') throw refusal('oauth.code_invalid/malformed')
  if (code === 'used') throw refusal('oauth.code_invalid')
  const forThisRequest =
    code.clientId === client.clientId &&
    code.redirectUri === form.redirect_uri &&
    verifierMatches(code.codeChallenge, form.code_verifier) &&
    !code.consent.revoked
  if (!forThisRequest) throw refusal('oauth.code_invalid')
  const { consent, scopes, nonce } = code
  return {
    ...tokensFor(world, signer, consent, scopes, nonce),
    ...(code.withRefreshToken && { refresh_token: world.consents.issueRefreshToken(consent, scopes) }),
  }
}

/** RFC 6749 section 6. Google keeps the refresh token that it gave. */
export function refreshGrant(world: GoogleWorld, signer: IdTokenSigner, request: TokenRequest) {
  const { form } = request
  const client = authenticatedClient(world, request)
  if (!form.refresh_token) throw refusal('oauth.refresh_token_missing')
  const found = world.consents.findRefreshToken(form.refresh_token)
  if (found?.consent.clientId !== client.clientId || !maySignIn(found.consent.user)) throw refusal('grant.revoked')
  return tokensFor(world, signer, found.consent, found.scopes, null)
}

function tokensFor(
  world: GoogleWorld,
  signer: IdTokenSigner,
  consent: UserConsent,
  scopes: ReadonlySet<string>,
  nonce: string | null,
) {
  const { user, clientId } = consent
  const accessToken = world.tokens.issue({ subject: user, clientId, scopes, consent })
  return {
    access_token: accessToken,
    expires_in: LIFETIME_SECONDS,
    scope: [...scopes].join(' '),
    token_type: 'Bearer',
    ...(scopes.has(OPENID) && { id_token: signer.sign({ user, clientId, scopes, nonce, accessToken }) }),
  }
}

/** By form fields or HTTP Basic (RFC 6749 section 2.3.1). */
function authenticatedClient(world: GoogleWorld, { form, authorization }: TokenRequest): OAuthClientSeed {
  const [, encoded] = /^Basic +(\S+)$/i.exec(authorization ?? '') ?? []
  const [basicId, basicSecret] = encoded ? Buffer.from(encoded, 'base64').toString().split(':') : []
  const id = basicId ?? form.client_id
  if (!id) throw refusal('oauth.client_id_missing')
  const client = world.oauthClients.get(id)
  if (!client) throw refusal('google.credential_invalid')
  if (client.clientSecret !== (basicSecret ?? form.client_secret))
    throw refusal('google.credential_invalid/unauthorized')
  return client
}
