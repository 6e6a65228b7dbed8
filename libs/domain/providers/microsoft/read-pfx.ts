import { createPrivateKey, type KeyObject, type X509Certificate } from 'node:crypto'
import { Duplex } from 'node:stream'
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls'

export interface CertificateWithKey {
  certificate: X509Certificate
  privateKey: KeyObject
}

export type PfxProblem = 'not a PFX' | 'wrong password' | 'old encryption' | 'no key and certificate'

/**
 * A certificate with its private key from a PKCS #12 file (RFC 7292), as Windows and Azure export them. Node opens such a
 * file for TLS, which checks its password and yields the certificate, but does not give out the key; so the key's bag is
 * found here, and what lies in it is an encrypted PKCS #8 key that Node opens again.
 */
export function readPfx(pfx: Buffer, password: string): CertificateWithKey | PfxProblem {
  let context: SecureContext
  try {
    context = createSecureContext({ pfx, passphrase: password })
  } catch (error) {
    return problemOf(error as NodeJS.ErrnoException)
  }
  const certificate = certificateIn(context)
  if (!certificate) return 'no key and certificate'
  const keys = keyBags(pfx).flatMap((bag) => openKey(bag, password))
  const privateKey = keys.find((key) => certificate.checkPrivateKey(key))
  return privateKey ? { certificate, privateKey } : 'no key and certificate'
}

function problemOf({ code, message }: NodeJS.ErrnoException): PfxProblem {
  if (/mac verify failure/.test(message)) return 'wrong password'
  if (/Unable to load (private key|PFX certificate)/.test(message)) return 'no key and certificate'
  // RC2, which OpenSSL has retired and Windows long went on writing.
  if (code === 'ERR_CRYPTO_UNSUPPORTED_OPERATION') return 'old encryption'
  return 'not a PFX'
}

/** A socket that is never connected says which certificate it would show. */
function certificateIn(secureContext: SecureContext): X509Certificate | undefined {
  const socket = new TLSSocket(new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() }), {
    isServer: true,
    secureContext,
  })
  const certificate = socket.getX509Certificate()
  socket.destroy()
  return certificate
}

function openKey({ oid, value }: Bag, passphrase: string): KeyObject[] {
  try {
    return oid === SHROUDED_KEY_BAG
      ? [createPrivateKey({ key: value, format: 'der', type: 'pkcs8', passphrase })]
      : [createPrivateKey({ key: value, format: 'der', type: 'pkcs8' })]
  } catch {
    return []
  }
}

interface Element {
  tag: number
  content: Buffer
}

interface Bag {
  oid: string
  value: Buffer
}

const OCTET_STRING = 0x04
/** 1.2.840.113549.1.7.1, then 1.2.840.113549.1.12.10.1.1 and .2, as their encoded contents. */
const DATA = '2a864886f70d010701'
const KEY_BAG = '2a864886f70d010c0a0101'
const SHROUDED_KEY_BAG = '2a864886f70d010c0a0102'

/** PFX → AuthenticatedSafe → the safes that are not encrypted as a whole → their bags with keys. */
function keyBags(pfx: Buffer): Bag[] {
  const [, authSafe] = childrenOf(elementsIn(pfx)[0])
  return contentsOf(authSafe)
    .flatMap(childrenOf)
    .flatMap(contentsOf)
    .flatMap(childrenOf)
    .map((bag): Bag => {
      const [oid, value] = childrenOf(bag)
      return { oid: oid?.content.toString('hex') ?? '', value: value?.content ?? Buffer.alloc(0) }
    })
    .filter(({ oid }) => oid === KEY_BAG || oid === SHROUDED_KEY_BAG)
}

/** What a ContentInfo of the type `data` holds; nothing for any other type. */
function contentsOf(contentInfo: Element | undefined): Element[] {
  const [type, explicit] = childrenOf(contentInfo)
  const [octets] = childrenOf(explicit)
  const isData = type?.content.toString('hex') === DATA && octets?.tag === OCTET_STRING
  return isData ? elementsIn(octets.content) : []
}

const childrenOf = (element: Element | undefined): Element[] => (element ? elementsIn(element.content) : [])

/** DER (X.690 section 10), which is what Windows, Azure and OpenSSL write here. */
function elementsIn(bytes: Buffer): Element[] {
  const elements: Element[] = []
  for (let at = 0; at + 2 <= bytes.length; ) {
    const first = bytes[at + 1]!
    const lengthBytes = first < 0x80 ? 0 : first & 0x7f
    if (first === 0x80 || lengthBytes > 4 || at + 2 + lengthBytes > bytes.length) break
    const start = at + 2 + lengthBytes
    const length = lengthBytes === 0 ? first : bytes.readUIntBE(at + 2, lengthBytes)
    if (start + length > bytes.length) break
    elements.push({ tag: bytes[at]!, content: bytes.subarray(start, start + length) })
    at = start + length
  }
  return elements
}
