import { createHash, createPublicKey, type KeyObject, sign } from 'node:crypto'
import { standInsKey } from '../core/self-signed-certificate.js'

/** The RS256 key with which the stand-in signs tokens. */
export interface SigningKey {
  jwk: Record<string, unknown>
  signJwt(claims: Record<string, unknown>): string
}

export async function signingKey(): Promise<SigningKey> {
  const privateKey = await standInsKey()
  const { n, e } = createPublicKey(privateKey).export({ format: 'jwk' })
  const kid = createHash('sha1').update(String(n)).digest('base64url')
  const header = encoded({ typ: 'JWT', alg: 'RS256', kid })
  return {
    jwk: {
      kty: 'RSA',
      use: 'sig',
      alg: 'RS256',
      kid,
      n,
      e,
      issuer: 'https://login.microsoftonline.com/{tenantid}/v2.0',
    },
    signJwt: (claims) => signed(`${header}.${encoded(claims)}`, privateKey),
  }
}

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

const signed = (input: string, key: KeyObject) =>
  `${input}.${sign('sha256', Buffer.from(input), key).toString('base64url')}`
