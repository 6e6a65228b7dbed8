import { createPrivateKey, type KeyObject, sign } from 'node:crypto'
import { promisify } from 'node:util'

/** Google's own name for it, whatever host it is reached at. */
const AUDIENCE = 'https://oauth2.googleapis.com/token'
const LIFETIME_SECONDS = 3600

/** On a thread of its own, so that sixty-four mailboxes do not wait for one another's signatures. */
const signAside = promisify(sign)

export interface SigningKey {
  readonly key: KeyObject
  /** The JOSE header, ready to be signed. */
  readonly header: string
}

/** Parsed once for each credential: parsing costs as much as a signature. @throws when it is no key */
export function signingKey(pem: string, keyId: string | null): SigningKey {
  const header = { alg: 'RS256', typ: 'JWT', ...(keyId !== null && { kid: keyId }) }
  return { key: createPrivateKey(pem), header: encoded(header) }
}

export interface AssertionFacts {
  /** Address of the service account. */
  issuer: string
  /** Whom it is to act as. */
  subject: string
  scopes: readonly string[]
  now: Date
}

/** RFC 7523 section 3, with Google's claim for the scopes. */
export function assertionClaims({ issuer, subject, scopes, now }: AssertionFacts): string {
  const iat = Math.floor(now.getTime() / 1000)
  const scope = scopes.join(' ')
  return JSON.stringify({ iss: issuer, sub: subject, scope, aud: AUDIENCE, iat, exp: iat + LIFETIME_SECONDS })
}

export async function signAssertion({ key, header }: SigningKey, claims: string): Promise<string> {
  const signed = `${header}.${Buffer.from(claims).toString('base64url')}`
  const signature = await signAside('RSA-SHA256', Buffer.from(signed), key)
  return `${signed}.${signature.toString('base64url')}`
}

const encoded = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
