import { createPrivateKey } from 'node:crypto'
import { z } from 'zod'
import { type FieldProblems, ValidationError } from '#platform/errors/validation-error.js'
import { Secret } from '#platform/secrets/secret.js'
import type { GoogleCredential } from '../provider.port.js'

const HOW_TO_GET_ONE =
  'In Google Cloud, open IAM & Admin > Service Accounts > Keys > Add key > Create new key, choose JSON, and give us the downloaded file unchanged.'
const WEAKEST_MODULUS = 2048

const field = (problem: string) => z.string({ error: `${problem} ${HOW_TO_GET_ONE}` }).trim()

/**
 * Only what signing needs is read. Every URL in the file is ignored: a file from outside must not decide where we send
 * an assertion (`external_account` files could even name a program to run).
 */
const keyFile = z.object({
  type: z.literal('service_account', {
    error: `This is not the key of a service account: "type" must be "service_account". ${HOW_TO_GET_ONE}`,
  }),
  client_email: field('The service account address is missing.').regex(
    /^[^@\s]+@[^@\s]+\.gserviceaccount\.com$/,
    'This is not the address of a service account; it ends in .gserviceaccount.com.',
  ),
  client_id: field('The numeric client ID is missing.').regex(
    /^\d{6,30}$/,
    'The client ID of a service account consists of digits only.',
  ),
  private_key: field('The private key is missing.'),
  private_key_id: z.string().trim().nullish(),
  universe_domain: z
    .literal('googleapis.com', {
      error: 'Only service accounts of the public Google Cloud (googleapis.com) can act in Google Workspace.',
    })
    .nullish(),
})

/**
 * Reads the JSON file that Google Cloud hands out. Complaints name the field and never repeat what was in it.
 * @throws ValidationError by `key_file` and `key_file.<field>`
 */
export function readGoogleKeyFile(text: string): GoogleCredential {
  const read = keyFile.safeParse(parsed(text))
  if (!read.success) throw new ValidationError(problemsIn(read.error))
  return {
    provider: 'google',
    clientEmail: read.data.client_email,
    privateKey: new Secret(readPrivateKey(read.data.private_key)),
    privateKeyId: read.data.private_key_id ?? null,
    clientId: read.data.client_id,
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw refused('key_file', 'errors.not_json', `This is not a JSON file. ${HOW_TO_GET_ONE}`)
  }
}

/** A bad key would otherwise fail no earlier than at the first signature. Some tools double the backslash of `\n`. */
function readPrivateKey(text: string): string {
  const pem = text.replaceAll('\\n', '\n')
  const key = (() => {
    try {
      return createPrivateKey(pem)
    } catch {
      throw refused('key_file.private_key', 'errors.invalid', `The private key cannot be read. ${HOW_TO_GET_ONE}`)
    }
  })()
  if (key.asymmetricKeyType !== 'rsa' || (key.asymmetricKeyDetails?.modulusLength ?? 0) < WEAKEST_MODULUS)
    throw refused(
      'key_file.private_key',
      'errors.invalid',
      `The private key must be RSA with at least ${WEAKEST_MODULUS} bits.`,
    )
  return key.export({ type: 'pkcs8', format: 'pem' }) as string
}

const refused = (name: string, key: string, description: string) =>
  new ValidationError({ [name]: [{ key, description }] })

function problemsIn(error: z.ZodError): FieldProblems {
  const problems: FieldProblems = {}
  for (const { path, message, code } of error.issues) {
    const name = path.length > 0 ? `key_file.${String(path[0])}` : 'key_file'
    const description = path.length > 0 ? message : `This is not a key file. ${HOW_TO_GET_ONE}`
    problems[name] ??= [{ key: code === 'invalid_type' ? 'errors.required' : 'errors.invalid', description }]
  }
  return problems
}
