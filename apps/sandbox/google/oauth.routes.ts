import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type AccessToken, bearerOf } from './access-tokens.js'
import { refusal, unsupportedGrantType } from './errors.js'
import type { GoogleWorld } from './google-world.js'
import { type IdTokenSigner, ISSUER, profileOf } from './id-token.js'
import { JWT_BEARER, jwtBearerGrant } from './jwt-bearer-grant.js'
import { EMAIL, isSignInScope, OPENID, PROFILE } from './scopes.js'
import { textFields } from './text-fields.js'
import { codeGrant, refreshGrant } from './user-grants.js'

/** oauth2.googleapis.com, and what openidconnect.googleapis.com and accounts.google.com add to it. */
export function registerOAuthRoutes(http: FastifyInstance, world: GoogleWorld, signer: IdTokenSigner): void {
  for (const path of ['/token', '/oauth2/v4/token']) {
    http.post(path, async (request, reply) => {
      const form = textFields(request)
      reply.header('cache-control', 'no-cache, no-store, max-age=0, must-revalidate')
      switch (form.grant_type) {
        case undefined:
        case '':
          throw refusal('oauth.grant_type_missing')
        case JWT_BEARER:
          return jwtBearerGrant(world, originOf(request), form.assertion)
        case 'authorization_code':
          return codeGrant(world, signer, { form, authorization: request.headers.authorization })
        case 'refresh_token':
          return refreshGrant(world, signer, { form, authorization: request.headers.authorization })
        default:
          throw unsupportedGrantType(form.grant_type)
      }
    })
  }

  for (const url of ['/tokeninfo', '/oauth2/v3/tokeninfo']) {
    http.route({ method: ['GET', 'POST'], url, handler: async (request) => tokenInfo(world, request) })
  }

  http.route({
    method: ['GET', 'POST'],
    url: '/revoke',
    handler: async (request) => {
      const token = textFields(request).token ?? ''
      const refreshToken = world.consents.findRefreshToken(token)
      if (refreshToken) refreshToken.consent.revoked = true
      else if (!world.tokens.revoke(token)) throw refusal('oauth.revoke_invalid')
      return {}
    },
  })

  for (const url of ['/v1/userinfo', '/oauth2/v3/userinfo']) {
    http.route({ method: ['GET', 'POST'], url, handler: async (request) => userInfo(world, request) })
  }

  http.get('/oauth2/v1/certs', async (_request, reply) =>
    reply.header('cache-control', 'public, max-age=300').send({ [signer.keyId]: signer.certificatePem }),
  )
  http.get('/oauth2/v3/certs', async (_request, reply) =>
    reply.header('cache-control', 'public, max-age=300').send({ keys: [signer.jwk] }),
  )
  http.get('/.well-known/openid-configuration', async (request) => discovery(originOf(request)))
}

const originOf = (request: FastifyRequest) => `http://${request.headers.host}`

const addressOf = ({ subject }: AccessToken) => subject.email

const idOf = ({ subject }: AccessToken) => ('id' in subject ? subject.id : subject.clientId)

function tokenInfo(world: GoogleWorld, request: FastifyRequest) {
  const token = world.tokens.find(bearerOf(request.headers.authorization) ?? textFields(request).access_token ?? '')
  if (!token) throw refusal('oauth.token_invalid')
  return {
    azp: token.clientId,
    aud: token.clientId,
    // Whose token it is, Google says only to a token that may know.
    ...([...token.scopes].some(isSignInScope) && { sub: idOf(token) }),
    scope: [...token.scopes].join(' '),
    exp: String(Math.floor(token.expiresAtMs / 1000)),
    expires_in: String(Math.max(0, Math.floor((token.expiresAtMs - world.clock.nowMs()) / 1000))),
    ...(token.scopes.has(EMAIL) && { email: addressOf(token), email_verified: 'true' }),
    access_type: token.consent ? 'offline' : 'online',
  }
}

function userInfo(world: GoogleWorld, request: FastifyRequest) {
  const token = world.tokens.find(bearerOf(request.headers.authorization) ?? '')
  if (!token) throw refusal('provider.token_rejected')
  if (![...token.scopes].some(isSignInScope)) throw refusal('google.scope_insufficient')
  const { subject, scopes } = token
  return {
    sub: idOf(token),
    ...(scopes.has(PROFILE) && 'givenName' in subject && profileOf(subject)),
    ...(scopes.has(EMAIL) && { email: addressOf(token), email_verified: true }),
    ...(scopes.has(OPENID) &&
      'organisation' in subject &&
      subject.organisation && { hd: subject.organisation.primaryDomain }),
  }
}

/** Google's document, with the endpoints where they are here; the issuer keeps its name. */
const discovery = (origin: string) => ({
  issuer: ISSUER,
  authorization_endpoint: `${origin}/o/oauth2/v2/auth`,
  token_endpoint: `${origin}/token`,
  userinfo_endpoint: `${origin}/v1/userinfo`,
  revocation_endpoint: `${origin}/revoke`,
  jwks_uri: `${origin}/oauth2/v3/certs`,
  response_types_supported: ['code'],
  response_modes_supported: ['query'],
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: ['RS256'],
  scopes_supported: ['openid', 'email', 'profile'],
  token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic'],
  claims_supported: ['aud', 'email', 'email_verified', 'exp', 'family_name', 'given_name', 'iat', 'iss', 'name', 'sub'],
  code_challenge_methods_supported: ['S256'],
  grant_types_supported: ['authorization_code', 'refresh_token', JWT_BEARER],
  authorization_response_iss_parameter_supported: true,
})
