import { createPrivateKey } from 'node:crypto'
import { z } from 'zod'
import { type FieldProblems, ValidationError } from '#platform/errors/validation-error.js'
import { Secret } from '#platform/secrets/secret.js'
import type { GoogleCredential } from '../provider.port.js'

const HOW_TO_GET_ONE =
  'In Google Cloud, open IAM & Admin > Service Accounts > Keys > Add key > Create new key, choose JSON, and give us the downloaded file unchanged.'
/** Bits. Whoever brings a key decides how long its signatures take: eight times as long when it is twice as large. */
const MODULUS = { least: 2048, most: 8192 }
const MOST_KEYS = 5

const field = (problem: string) => z.string({ error: `${problem} ${HOW_TO_GET_ONE}` }).trim()

/** Shared with the operator's workload identity, which names the service account beside a configuration without a key. */
export const serviceAccountAddress = field('The service account address is missing.').regex(
  /^[^@\s]+@[^@\s]+\.gserviceaccount\.com$/,
  'This is not the address of a service account; it ends in .gserviceaccount.com.',
)
export const serviceAccountId = field('The numeric client ID is missing.').regex(
  /^\d{6,30}$/,
  'The client ID of a service account consists of digits only.',
)

/**
 * Only what signing needs is read. Every URL in the file is ignored: a file from outside must not decide where we send
 * an assertion (`external_account` files could even name a program to run).
 */
const keyFile = z.object({
  type: z.literal('service_account', {
    error: `This is not the key of a service account: "type" must be "service_account". ${HOW_TO_GET_ONE}`,
  }),
  client_email: serviceAccountAddress,
  client_id: serviceAccountId,
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
export const readGoogleKeyFile = (text: string): GoogleCredential => readKeyFile(text, 'key_file')

/**
 * Several keys of one service account, the newest first: while one follows another, either may act.
 * @throws ValidationError by `key_file`, `key_file[1].<field>`
 */
export function readGoogleKeyFiles(texts: readonly string[]): GoogleCredential {
  if (texts.length === 0 || texts.length > MOST_KEYS)
    throw refused('key_file', 'errors.invalid', `Give one key file, or up to ${MOST_KEYS}, the newest first.`)
  const [newest, ...others] = texts.map((text, index) =>
    readKeyFile(text, texts.length === 1 ? 'key_file' : `key_file[${index}]`),
  )
  if (others.some(({ clientEmail, clientId }) => !sameAccount({ clientEmail, clientId }, newest!)))
    throw refused('key_file', 'errors.invalid', 'All the keys must be of one and the same service account.')
  const keys = [newest!, ...others].flatMap(({ proof }) => (proof.kind === 'keys' ? proof.keys : []))
  return { ...newest!, proof: { kind: 'keys', keys } }
}

type Account = Pick<GoogleCredential, 'clientEmail' | 'clientId'>
const sameAccount = (one: Account, other: Account) =>
  one.clientEmail === other.clientEmail && one.clientId === other.clientId

function readKeyFile(text: string, name: string): GoogleCredential {
  const read = keyFile.safeParse(parsed(text, name))
  if (!read.success) throw new ValidationError(problemsIn(read.error, name))
  const { client_email: clientEmail, client_id: clientId, private_key, private_key_id } = read.data
  const key = { id: private_key_id ?? null, privateKey: new Secret(readPrivateKey(private_key, name)) }
  return { provider: 'google', clientEmail, clientId, proof: { kind: 'keys', keys: [key] } }
}

function parsed(text: string, name: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw refused(name, 'errors.not_json', `This is not a JSON file. ${HOW_TO_GET_ONE}`)
  }
}

/** A bad key would otherwise fail no earlier than at the first signature. Some tools double the backslash of `\n`. */
function readPrivateKey(text: string, name: string): string {
  const pem = text.replaceAll('\\n', '\n')
  const key = (() => {
    try {
      return createPrivateKey(pem)
    } catch {
      throw refused(`${name}.private_key`, 'errors.invalid', `The private key cannot be read. ${HOW_TO_GET_ONE}`)
    }
  })()
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0
  if (key.asymmetricKeyType !== 'rsa' || bits < MODULUS.least || bits > MODULUS.most)
    throw refused(
      `${name}.private_key`,
      'errors.invalid',
      `The private key must be RSA with ${MODULUS.least} to ${MODULUS.most} bits.`,
    )
  return key.export({ type: 'pkcs8', format: 'pem' }) as string
}

const refused = (name: string, key: string, description: string) =>
  new ValidationError({ [name]: [{ key, description }] })

function problemsIn(error: z.ZodError, file: string): FieldProblems {
  const problems: FieldProblems = {}
  for (const { path, message, code } of error.issues) {
    const name = path.length > 0 ? `${file}.${String(path[0])}` : file
    const description = path.length > 0 ? message : `This is not a key file. ${HOW_TO_GET_ONE}`
    problems[name] ??= [{ key: code === 'invalid_type' ? 'errors.required' : 'errors.invalid', description }]
  }
  return problems
}
