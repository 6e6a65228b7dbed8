import { Inject, Injectable } from '@nestjs/common'
import { decodeJwt, decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose'
import { Clock, hours, minutes } from '#platform/clock/clock.js'
import type { HttpSettings } from '#platform/config/settings.js'
import { HTTP_SETTINGS } from '#platform/config/tokens.js'
import { Database } from '#platform/database/database.js'
import { type ApiError, invalidToken } from '#platform/errors/api-error.js'
import type { Client } from './client.entity.js'
import { Clients } from './clients.js'
import { ASYMMETRIC_ALGORITHMS, KeySet } from './key-set.js'
import { PublishedKeySets } from './published-key-sets.js'
import { isUserId, USER_ID_RULE } from './user-id.js'
import { UserTokenKeys } from './user-token-keys.js'

/** A person as the client knows them. The same `userId` at two clients is two persons. */
export interface CallerUser {
  clientId: string
  userId: string
}

/** Clocks differ. */
const LEEWAY = minutes(1)
const LONGEST_LIFE = hours(1)

/**
 * Says on whose behalf a client calls, by the JWT that it has signed for its user (contract section 1; RFC 7519, RFC 8725).
 * The algorithm decides which key is looked at, and never the other way round: HS256 knows the client's secrets alone,
 * the others its key set alone, so no public key is ever taken for a secret.
 */
@Injectable()
export class VerifyUserToken {
  readonly #audiences: string[]

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly clients: Clients,
    private readonly keys: UserTokenKeys,
    private readonly published: PublishedKeySets,
    @Inject(HTTP_SETTINGS) { publicUrl }: Pick<HttpSettings, 'publicUrl'>,
  ) {
    this.#audiences = [publicUrl.origin, publicUrl.href]
  }

  /** @throws ApiError invalid_token with the reason; unavailable while the client's keys cannot be fetched */
  async verify(token: string): Promise<CallerUser> {
    const { alg, kid, issuer } = readUnverified(token)
    const client = await this.database.read((em) => this.clients.find(em, issuer))
    if (!client || client.disabledAt)
      throw invalidToken('The "iss" of the user token must be the client_id of a client that is active here.')
    const claims =
      alg === 'HS256'
        ? await this.#verifyWithSecrets(token, client)
        : await this.#verifyWithKeySet(token, client, alg, kid)
    this.#refuseUnusual(claims)
    return { clientId: client.id, userId: userIdOf(claims) }
  }

  async #verifyWithSecrets(token: string, client: Client): Promise<JWTPayload> {
    const secrets = await this.database.read((em) => this.keys.openSecrets(em, client.id))
    if (secrets.length === 0)
      throw invalidToken('The user token is signed with HS256, and this client has no user-token secret.')
    for (const secret of secrets) {
      try {
        return await this.#verified(token, new TextEncoder().encode(secret.reveal()), client, 'HS256')
      } catch (error) {
        if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw this.#inWords(error)
      }
    }
    throw invalidToken(
      'The signature of the user token is not by a live user-token secret of this client. The characters of the secret are the key as they stand: do not decode them.',
    )
  }

  async #verifyWithKeySet(token: string, client: Client, alg: string, kid: unknown): Promise<JWTPayload> {
    if (!client.jwks && !client.jwksUri)
      throw invalidToken(`The user token is signed with ${alg}, and this client has no JWKS.`)
    const set = client.jwksUri
      ? await this.published.find(client.jwksUri, kid, client.id)
      : new KeySet(client.jwks!.keys)
    try {
      return await this.#verified(token, await set.find({ alg, kid: kid as string }), client, alg)
    } catch (error) {
      throw this.#inWords(error)
    }
  }

  async #verified(
    token: string,
    key: Parameters<typeof jwtVerify>[1],
    { id }: Client,
    alg: string,
  ): Promise<JWTPayload> {
    const { payload } = await jwtVerify(token, key as Uint8Array, {
      algorithms: [alg],
      issuer: id,
      audience: this.#audiences,
      requiredClaims: ['sub', 'iat', 'exp'],
      clockTolerance: LEEWAY / 1000,
      currentDate: this.clock.now(),
    })
    return payload
  }

  /** What jose leaves to its caller. */
  #refuseUnusual({ iat = 0, exp = 0 }: JWTPayload): void {
    if (exp - iat > LONGEST_LIFE / 1000)
      throw invalidToken('The user token lives too long: "exp" may be at most one hour after "iat".')
    if (iat * 1000 > this.clock.now().getTime() + LEEWAY)
      throw invalidToken('The "iat" of the user token lies in the future.')
  }

  /** jose's errors hold the claims, so none is kept. */
  #inWords(error: unknown): ApiError {
    if (error instanceof errors.JWTExpired) return invalidToken('The user token has expired: sign a new one.')
    if (error instanceof errors.JWTClaimValidationFailed) return invalidToken(this.#claimProblem(error.claim))
    if (error instanceof errors.JWSSignatureVerificationFailed)
      return invalidToken('The signature of the user token is not by the key that it names.')
    if (error instanceof errors.JWKSNoMatchingKey)
      return invalidToken("No key in the client's JWKS fits the user token: check its kid and its alg.")
    if (error instanceof errors.JWKSMultipleMatchingKeys)
      return invalidToken(
        "Several keys in the client's JWKS fit the user token: name one by its kid, which only one key may have.",
      )
    return notAJwt()
  }

  #claimProblem(claim: string): string {
    switch (claim) {
      case 'aud':
        return `The "aud" of the user token must be ${this.#audiences[0]}.`
      case 'iat':
      case 'exp':
        return 'The user token must say when it was made and when it ends, in seconds since 1970 (iat, exp).'
      case 'nbf':
        return 'The "nbf" of the user token lies in the future, or is not a number.'
      default:
        return `The "${claim}" of the user token is missing or wrong.`
    }
  }
}

/** Nothing of this is believed: it says where to look for the key. */
function readUnverified(token: string): { alg: string; kid: unknown; issuer: string } {
  try {
    const { alg = '', kid } = decodeProtectedHeader(token)
    if (alg !== 'HS256' && !(ASYMMETRIC_ALGORITHMS as readonly string[]).includes(alg))
      throw invalidToken('The user token must be signed with HS256, RS256, PS256 or ES256.')
    const { iss } = decodeJwt(token)
    if (typeof iss !== 'string' || !/^\w{1,64}$/.test(iss))
      throw invalidToken('The "iss" of the user token must be the client_id.')
    return { alg, kid, issuer: iss }
  } catch (error) {
    throw error instanceof TypeError || error instanceof errors.JOSEError ? notAJwt() : error
  }
}

const notAJwt = () =>
  invalidToken(
    'This is not a signed JWT. Send "Authorization: Bearer <user token>"; docs of your library call it JWS compact form.',
  )

function userIdOf({ sub }: JWTPayload): string {
  if (isUserId(sub)) return sub
  throw invalidToken(`The "sub" of the user token, your own id of the user, ${USER_ID_RULE}.`)
}
