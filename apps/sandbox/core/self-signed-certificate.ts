import { createPublicKey, generateKeyPair, type KeyObject, sign } from 'node:crypto'
import { promisify } from 'node:util'

/** Making a key takes longer than anything else at start: a process makes one for the operator, and one for the stand-ins. */
const once = (make: () => Promise<KeyObject>) => {
  let made: Promise<KeyObject> | undefined
  return () => {
    made ??= make()
    return made
  }
}
export const operatorsKey = once(newSigningKey)
export const standInsKey = once(newSigningKey)

export async function newSigningKey(): Promise<KeyObject> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })
  return privateKey
}

/**
 * An X.509 certificate (RFC 5280 section 4.1) in PEM, good for ten years from a day ago. Node reads certificates but
 * does not write them, and libraries ask for one where they want a public key.
 */
export function selfSignedCertificate(privateKey: KeyObject, commonName: string, now = new Date()): string {
  const name = sequence(der(0x31, sequence(COMMON_NAME, der(0x0c, Buffer.from(commonName)))))
  const validity = sequence(
    utcTime(new Date(now.getTime() - DAY_MS)),
    utcTime(new Date(now.getTime() + 3_650 * DAY_MS)),
  )
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' })
  const serial = der(0x02, Buffer.from([1]))
  const toBeSigned = sequence(serial, SHA256_WITH_RSA, name, validity, name, publicKey)
  const signature = der(0x03, Buffer.from([0]), sign('RSA-SHA256', toBeSigned, privateKey))
  const lines =
    sequence(toBeSigned, SHA256_WITH_RSA, signature)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

const DAY_MS = 24 * 3_600_000

function der(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  return Buffer.concat([Buffer.from([tag, ...lengthOf(content.length)]), content])
}

function lengthOf(length: number): number[] {
  if (length < 0x80) return [length]
  return length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
}

const sequence = (...parts: Buffer[]) => der(0x30, ...parts)

const utcTime = (time: Date) =>
  der(
    0x17,
    Buffer.from(
      `${time
        .toISOString()
        .replace(/[-:T]|\.\d+/g, '')
        .slice(2)}`,
    ),
  )

/** 2.5.4.3 */
const COMMON_NAME = der(0x06, Buffer.from([0x55, 0x04, 0x03]))
/** 1.2.840.113549.1.1.11, without parameters */
const SHA256_WITH_RSA = sequence(
  der(0x06, Buffer.from([0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b])),
  der(0x05),
)
