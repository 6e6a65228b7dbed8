import { createPrivateKey, randomUUID, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { SignJWT } from 'jose'
import type { MicrosoftCredential } from '../provider.port.js'
import { microsoftError } from './microsoft-errors.js'

type Proof = MicrosoftCredential['proof']
type CertificateProof = Extract<Proof, { kind: 'certificate' }>

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
/** Microsoft advises five to ten minutes. */
const ASSERTION_SECONDS = 600

/**
 * How the application proves itself at the token endpoint, as fields of the form.
 * @param audience the token endpoint's URL
 * @throws ProviderError for a certificate out of its dates, and for a token file that holds no token
 */
export async function clientProof(
  { clientId, proof }: MicrosoftCredential,
  audience: string,
  now: Date,
): Promise<Record<string, string>> {
  switch (proof.kind) {
    case 'secret':
      return { client_secret: proof.clientSecret.reveal() }
    case 'certificate':
      return asAssertion(await certificateAssertion(proof, clientId, audience, now))
    case 'federated':
      return asAssertion(await federatedToken(proof.tokenFile))
  }
}

const asAssertion = (assertion: string) => ({ client_assertion_type: ASSERTION_TYPE, client_assertion: assertion })

/** RFC 7523 section 3, with the header that Entra finds the certificate by: its thumbprint, or the certificate itself. */
function certificateAssertion(proof: CertificateProof, clientId: string, audience: string, now: Date): Promise<string> {
  const chain = certificatesIn(proof.certificatePem)
  const [certificate] = chain
  const privateKey = createPrivateKey(proof.privateKey.reveal())
  if (!certificate?.checkPrivateKey(privateKey))
    throw microsoftError('microsoft.certificate_mismatch', { detail: 'certificate and private key do not match' })
  if (now > certificate.validToDate || now < certificate.validFromDate)
    throw microsoftError('microsoft.certificate_expired', { detail: 'seen here, before anything was sent' })
  const issuedAt = Math.floor(now.getTime() / 1000)
  return new SignJWT()
    .setProtectedHeader({
      alg: 'PS256',
      typ: 'JWT',
      'x5t#S256': thumbprintOf(certificate),
      ...(proof.sendChain && { x5c: chain.map(({ raw }) => raw.toString('base64')) }),
    })
    .setIssuer(clientId)
    .setSubject(clientId)
    .setAudience(audience)
    .setJti(randomUUID())
    .setIssuedAt(issuedAt)
    .setNotBefore(issuedAt)
    .setExpirationTime(issuedAt + ASSERTION_SECONDS)
    .sign(privateKey)
}

/** RFC 7515 section 4.1.8. Computed here: a thumbprint that is typed in, or has colons, silently names no certificate. */
const thumbprintOf = ({ fingerprint256 }: X509Certificate) =>
  Buffer.from(fingerprint256.replaceAll(':', ''), 'hex').toString('base64url')

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** The application's own certificate, and after it whatever chain came with it. @throws Error for what is no certificate */
export const certificatesIn = (pem: string): X509Certificate[] =>
  (pem.match(PEM_CERTIFICATE) ?? []).map((one) => new X509Certificate(one))

const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/

/**
 * Read anew each time: whoever projects the file replaces it long before it expires. Nothing but a JWT is ever sent, so
 * that the path of another file gives nothing away.
 */
async function federatedToken(path: string): Promise<string> {
  const token = await readFile(path, 'utf8').then(
    (text) => text.trim(),
    (error: NodeJS.ErrnoException) => {
      throw microsoftError('microsoft.federated_token_missing', { detail: error.code })
    },
  )
  if (JWT.test(token)) return token
  throw microsoftError('microsoft.federated_token_missing', { detail: 'the file holds no JWT' })
}
