import { createPrivateKey, type KeyObject, type X509Certificate } from 'node:crypto'
import type { FieldProblem, FieldProblems } from '#platform/errors/validation-error.js'
import { Secret } from '#platform/secrets/secret.js'
import type { MicrosoftCredential } from '../provider.port.js'
import { certificatesIn } from './client-proof.js'
import { type PfxProblem, readPfx } from './read-pfx.js'

/** Bits. Whoever brings a key decides how long its signatures take: eight times as long when it is twice as large. */
const LARGEST_MODULUS = 8192

export interface ReadProof {
  value: MicrosoftCredential['proof'] | null
  problems: FieldProblems
}

interface TypedCertificate {
  certificate?: string
  privateKey?: string
  pfx?: string
  password?: string
  sendChain?: boolean
}

/** A certificate and its private key in PEM. Each complaint says what is wrong, and with which of the two. */
export function readCertificateProof(typed: TypedCertificate, now: Date): ReadProof {
  const chain = readChain(typed.certificate ?? '')
  if (!chain)
    return refused('certificate', 'This is not a certificate in PEM; it begins with -----BEGIN CERTIFICATE-----.')
  const privateKey = readPrivateKey(typed.privateKey ?? '', typed.password)
  if (typeof privateKey === 'string') return refused(...KEY_PROBLEMS[privateKey])
  return proofOf(
    { chain, privateKey, sendChain: typed.sendChain },
    { certificate: 'certificate', key: 'private_key' },
    now,
  )
}

/** A certificate and its private key in one PKCS #12 file. */
export function readPfxProof(typed: TypedCertificate, now: Date): ReadProof {
  const read = readPfx(Buffer.from(typed.pfx ?? '', 'base64'), typed.password ?? '')
  if (typeof read === 'string') return refused(...PFX_PROBLEMS[read])
  const { certificate, privateKey } = read
  return proofOf(
    { chain: [certificate], privateKey, sendChain: typed.sendChain },
    { certificate: 'pfx', key: 'pfx' },
    now,
  )
}

interface Pair {
  chain: X509Certificate[]
  privateKey: KeyObject
  sendChain?: boolean
}

function proofOf(
  { chain, privateKey, sendChain = false }: Pair,
  field: { certificate: string; key: string },
  now: Date,
) {
  const certificate = chain[0]!
  if (privateKey.asymmetricKeyType !== 'rsa')
    return refused(field.key, 'Microsoft accepts RSA keys only for certificates of an app registration.')
  if ((privateKey.asymmetricKeyDetails?.modulusLength ?? 0) > LARGEST_MODULUS)
    return refused(field.key, `This RSA key has more than ${LARGEST_MODULUS} bits.`)
  if (!certificate.checkPrivateKey(privateKey))
    return refused(field.key, 'This private key does not belong to the certificate.')
  if (certificate.validToDate <= now)
    return refused(
      field.certificate,
      `This certificate expired on ${day(certificate.validToDate)}. Create a new one and upload it to the app registration.`,
    )
  if (certificate.validFromDate > now)
    return refused(field.certificate, `This certificate is not valid before ${day(certificate.validFromDate)}.`)
  const certificatePem = chain.map(String).join('')
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  return {
    value: { kind: 'certificate', certificatePem, privateKey: new Secret(pem), sendChain },
    problems: {},
  } as const
}

function readChain(pem: string): X509Certificate[] | null {
  try {
    const chain = certificatesIn(pem)
    return chain.length > 0 ? chain : null
  } catch {
    return null
  }
}

type KeyProblem = 'no key' | 'no password' | 'wrong password'

function readPrivateKey(pem: string, password: string | undefined): KeyObject | KeyProblem {
  const encrypted = /-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED/.test(pem)
  if (encrypted && !password) return 'no password'
  try {
    return createPrivateKey({ key: pem, passphrase: password })
  } catch {
    return encrypted ? 'wrong password' : 'no key'
  }
}

const KEY_PROBLEMS: Record<KeyProblem, [field: string, description: string]> = {
  'no key': ['private_key', 'This is not a private key in PEM; it begins with -----BEGIN PRIVATE KEY-----.'],
  'no password': ['password', 'This private key is encrypted: enter its password as well.'],
  'wrong password': ['password', 'This password does not open the private key.'],
}

const PFX_PROBLEMS: Record<PfxProblem, [field: string, description: string]> = {
  'not a PFX': ['pfx', 'This is not a PFX (PKCS #12) file.'],
  'wrong password': ['password', 'This password does not open the PFX file.'],
  'old encryption': [
    'pfx',
    'This PFX file is encrypted in a way that is no longer safe (RC2). Export it again with AES256-SHA256.',
  ],
  'no key and certificate': ['pfx', 'This PFX file does not hold a certificate together with its private key.'],
}

const day = (date: Date) => date.toISOString().slice(0, 10)

function refused(field: string, description: string): ReadProof {
  const problem: FieldProblem = { key: 'errors.invalid', description }
  return { value: null, problems: { [field]: [problem] } }
}
