import { type FieldProblem, type FieldProblems, ValidationError } from '#platform/errors/validation-error.js'
import { Secret } from '#platform/secrets/secret.js'
import type { MicrosoftCloudName, MicrosoftCredential } from '../provider.port.js'
import { isGuid } from './microsoft-login.js'
import { type ReadProof, readCertificateProof, readPfxProof } from './read-certificate.js'

/** An app registration as it is typed into a form or handed to the CLI, with one way to prove it. */
export interface TypedRegistration {
  clientId: string
  cloud?: MicrosoftCloudName
  clientSecret?: string
  /** PEM: the application's own certificate first, then any chain. */
  certificate?: string
  /** PEM. */
  privateKey?: string
  /** Base64 of a PKCS #12 file, in place of certificate and key. */
  pfx?: string
  /** Of the private key or the PFX. */
  password?: string
  sendChain?: boolean
  /** Path, on every machine that acts. The operator's only: whoever names a file has it read. */
  federatedTokenFile?: string
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
 * @throws ValidationError by `client_id`, `client_secret`, `certificate`, `private_key`, `pfx`, `password`, `federated_token_file`
 */
export function readMicrosoftRegistration(typed: TypedRegistration, now: Date): MicrosoftCredential {
  const clientId = typed.clientId.trim().toLowerCase()
  const proof = readProof(typed, now)
  const problems: FieldProblems = { ...(isGuid(clientId) ? {} : { client_id: [NOT_AN_ID] }), ...proof.problems }
  if (!proof.value || Object.keys(problems).length > 0) throw new ValidationError(problems)
  return { provider: 'microsoft', clientId, cloud: typed.cloud ?? null, proof: proof.value }
}

/** By the field that says which way it is. */
const WAYS: Record<string, (typed: TypedRegistration, now: Date) => ReadProof> = {
  client_secret: readSecret,
  certificate: readCertificateProof,
  pfx: readPfxProof,
  federated_token_file: readFederation,
}

function readProof(typed: TypedRegistration, now: Date): ReadProof {
  const given = {
    client_secret: typed.clientSecret,
    certificate: typed.certificate?.trim() || typed.privateKey,
    pfx: typed.pfx,
    federated_token_file: typed.federatedTokenFile,
  }
  const [way, another] = Object.entries(given)
    .filter(([, value]) => value?.trim())
    .map(([name]) => name)
  if (another)
    return refused(way!, invalid('Give one proof only: a client secret, a certificate or a federated token.'))
  return way ? WAYS[way]!(typed, now) : refused('client_secret', NO_PROOF)
}

function readSecret({ clientSecret = '' }: TypedRegistration): ReadProof {
  const value = clientSecret.trim()
  if (isGuid(value)) return refused('client_secret', A_SECRETS_ID)
  return { value: { kind: 'secret', clientSecret: new Secret(value) }, problems: {} }
}

function readFederation({ federatedTokenFile = '' }: TypedRegistration): ReadProof {
  const tokenFile = federatedTokenFile.trim()
  if (!tokenFile.startsWith('/') && !/^[A-Za-z]:\\/.test(tokenFile))
    return refused('federated_token_file', invalid('Give the whole path of the token file, from the root on.'))
  return { value: { kind: 'federated', tokenFile }, problems: {} }
}

const invalid = (description: string): FieldProblem => ({ key: 'errors.invalid', description })

const NOT_AN_ID = invalid('Enter the application (client) ID, a GUID from the overview of the app registration.')
const A_SECRETS_ID = invalid(
  "This looks like the secret's ID. Paste the secret's value instead: Entra shows it once, right after it was created.",
)
const NO_PROOF: FieldProblem = {
  key: 'errors.required',
  description: 'Enter the value of a client secret, or a certificate with its private key.',
}

const refused = (field: string, problem: FieldProblem): ReadProof => ({ value: null, problems: { [field]: [problem] } })
