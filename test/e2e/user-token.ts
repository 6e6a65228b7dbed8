import { SignJWT } from 'jose'

/** Who signs it, and for whom it is. */
interface Signer {
  clientId: string
  secret: string
  /** The origin of Mandate. */
  audience: string
}

/** What a client signs for one of its users, with the secret that it has for that. */
export const signUserToken = ({ clientId, secret, audience }: Signer, userId: string): Promise<string> =>
  new SignJWT({})
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer(clientId)
    .setAudience(audience)
    .setSubject(userId)
    .setIssuedAt()
    .setExpirationTime('30m')
    .sign(new TextEncoder().encode(secret))
