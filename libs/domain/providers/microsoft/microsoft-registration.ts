import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { type FieldProblem, type FieldProblems, ValidationError } from '#platform/errors/validation-error.js'
import { Secret } from '#platform/secrets/secret.js'
import type { MicrosoftCredential } from '../provider.port.js'
import { isGuid } from './microsoft-login.js'

/** An app registration as it is typed into a form or handed to the CLI. */
export interface TypedRegistration {
  clientId: string
  clientSecret?: string
  /** PEM, the public half. */
  certificate?: string
  /** PEM, unencrypted. */
  privateKey?: string
}

const DOMAIN = /^(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$/i

/** @returns the tenant's GUID or a domain of it, lower case @throws ValidationError by `tenant` */
export function readMicrosoftTenant(typed: string): string {
  const tenant = typed.trim().toLowerCase()
  if (isGuid(tenant) || DOMAIN.test(tenant)) return tenant
  throw new ValidationError({
    tenant: [invalid('Enter the directory (tenant) ID, or a domain of the organisation such as contoso.com.')],
  })
}

/**
 * Every mistake that can be seen without asking Microsoft. Complaints never repeat what was typed.
 * @throws ValidationError by `client_id`, `client_secret`, `certificate`, `private_key`
 */
export function readMicrosoftRegistration(typed: TypedRegistration, now: Date): MicrosoftCredential {
  const clientId = typed.clientId.trim().toLowerCase()
  const clientSecret = typed.clientSecret?.trim()
  const withCertificate = Boolean(typed.certificate?.trim() || typed.privateKey?.trim())
  const proof = withCertificate ? certificateProof(typed, now) : secretProof(clientSecret)
  const problems: FieldProblems = {
    ...(isGuid(clientId)
      ? {}
      : {
          client_id: [invalid('Enter the application (client) ID, a GUID from the overview of the app registration.')],
        }),
    ...(withCertificate && clientSecret
      ? { client_secret: [invalid('Give either a client secret or a certificate, not both.')] }
      : {}),
    ...proof.problems,
  }
  if (!proof.value || Object.keys(problems).length > 0) throw new ValidationError(problems)
  return { provider: 'microsoft', clientId, proof: proof.value }
}

interface Read<T> {
  value: T | null
  problems: FieldProblems
}
type Proof = MicrosoftCredential['proof']

const invalid = (description: string): FieldProblem => ({ key: 'errors.invalid', description })
const required = (description: string): FieldProblem => ({ key: 'errors.required', description })

function secretProof(clientSecret: string | undefined): Read<Proof> {
  if (!clientSecret)
    return problem(
      'client_secret',
      required('Enter the value of a client secret, or a certificate with its private key.'),
    )
  if (isGuid(clientSecret))
    return problem(
      'client_secret',
      invalid(
        "This looks like the secret's ID. Paste the secret's value instead: Entra shows it once, right after it was created.",
      ),
    )
  return { value: { kind: 'secret', clientSecret: new Secret(clientSecret) }, problems: {} }
}

function certificateProof(typed: TypedRegistration, now: Date): Read<Proof> {
  const certificate = readCertificate(typed.certificate ?? '')
  const privateKey = readPrivateKey(typed.privateKey ?? '')
  if (!certificate)
    return problem(
      'certificate',
      invalid('This is not a certificate in PEM; it begins with -----BEGIN CERTIFICATE-----.'),
    )
  if (!privateKey)
    return problem(
      'private_key',
      invalid('This is not an unencrypted private key in PEM; it begins with -----BEGIN PRIVATE KEY-----.'),
    )
  if (privateKey.asymmetricKeyType !== 'rsa')
    return problem('private_key', invalid('Microsoft accepts RSA keys only for certificates of an app registration.'))
  if (!certificate.checkPrivateKey(privateKey))
    return problem('private_key', invalid('This private key does not belong to the certificate.'))
  if (certificate.validToDate <= now)
    return problem(
      'certificate',
      invalid('This certificate has expired. Create a new one and upload it to the app registration.'),
    )
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  return {
    value: { kind: 'certificate', certificatePem: certificate.toString(), privateKey: new Secret(pem) },
    problems: {},
  }
}

const problem = (field: string, description: FieldProblem): Read<never> => ({
  value: null,
  problems: { [field]: [description] },
})

function readCertificate(pem: string): X509Certificate | null {
  try {
    return new X509Certificate(pem)
  } catch {
    return null
  }
}

function readPrivateKey(pem: string): KeyObject | null {
  try {
    return createPrivateKey(pem)
  } catch {
    return null
  }
}
