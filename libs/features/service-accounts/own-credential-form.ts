import { parseCredential, serialiseCredential } from '#domain/providers/credential-codec.js'
import { readGoogleKeyFile } from '#domain/providers/google/google-credential.js'
import { readMicrosoftTenant } from '#domain/providers/microsoft/microsoft-registration.js'
import { readRegistrationAside } from '#domain/providers/microsoft/read-registration-aside.js'
import type { MicrosoftCredential } from '#domain/providers/provider.port.js'
import { ValidationError } from '#platform/errors/validation-error.js'
import type { Secret } from '#platform/secrets/secret.js'
import type { Entered } from './consent.entity.js'
import { en as t } from './pages/strings.en.js'

export type OwnCredentialField =
  | 'key_file'
  | 'key_text'
  | 'tenant'
  | 'client_id'
  | 'client_secret'
  | 'secret_expires_on'
  | 'certificate'
  | 'private_key'
  | 'pfx'
  | 'password'
  | 'mailbox'

/** The fields of the form as they came; one that came twice, or not at all, is empty. */
export type TypedIn = (field: OwnCredentialField | 'proof') => string

export interface ReadForm {
  entered: Entered
  /** Null: none was given, and none was there to keep. */
  credential: Secret<string> | null
  complaints: Partial<Record<OwnCredentialField, string>>
}

/** @param kept the credential of an earlier attempt: an empty field keeps it */
export async function readGoogleForm(typed: TypedIn, kept: Secret<string> | null): Promise<ReadForm> {
  const [file, text] = [typed('key_file').trim(), typed('key_text').trim()]
  const complaints: ReadForm['complaints'] = {}
  const mailbox = readMailbox(typed, complaints)
  const read = (content: string, field: 'key_file' | 'key_text') =>
    tryField(
      complaints,
      () => serialiseCredential(readGoogleKeyFile(content)),
      () => field,
    )
  if (file && text) complaints.key_text = t.field.keyTwice
  const given = file ? await read(file, 'key_file') : text ? await read(text, 'key_text') : kept
  if (!file && !text && !kept) complaints.key_file = t.field.keyRequired
  return { entered: keepable({ mailbox }), credential: given, complaints }
}

export async function readMicrosoftForm(typed: TypedIn, kept: Secret<string> | null, now: Date): Promise<ReadForm> {
  const complaints: ReadForm['complaints'] = {}
  const proof = typed('proof') === 'certificate' ? 'certificate' : 'secret'
  const tenant = typed('tenant').trim()
  await tryField(
    complaints,
    () => readMicrosoftTenant(tenant),
    () => 'tenant',
  )
  const mailbox = readMailbox(typed, complaints)
  const secretExpiresOn = typed('secret_expires_on').trim()
  if (proof === 'secret') checkDayAhead(secretExpiresOn, now, complaints)
  const clientId = typed('client_id').trim()
  const proofs =
    proof === 'secret'
      ? { clientSecret: typed('client_secret') }
      : {
          certificate: typed('certificate'),
          privateKey: typed('private_key'),
          pfx: typed('pfx'),
          password: typed('password'),
        }
  const keeps = keptProof(proof, kept)
  const emptied = Object.values(proofs).every((value) => value.trim() === '')
  const credential = await tryField(
    complaints,
    async () =>
      serialiseCredential(await readRegistrationAside({ clientId, ...(emptied && keeps ? keeps : proofs) }, now)),
    // Where nothing at all was given, domain names the first of the ways; the form has another one open.
    (field) => (field === 'client_secret' && proof === 'certificate' ? 'certificate' : field),
  )
  return { entered: keepable({ tenant, clientId, mailbox, proof, secretExpiresOn }), credential, complaints }
}

const LONGEST_ENTRY = 320

/** What a row can hold of it (PostgreSQL refuses U+0000): wrong entries are kept too, to be put right. */
const keepable = (entered: Entered): Entered =>
  Object.fromEntries(
    Object.entries(entered).map(([name, text]) => [name, text.replace(/\p{Cc}/gu, '').slice(0, LONGEST_ENTRY)]),
  )

/** The proof of an earlier attempt, typed in again on the administrator's behalf; only where it is of the kind now chosen. */
function keptProof(kind: 'secret' | 'certificate', kept: Secret<string> | null) {
  const proof = kept && (parseCredential(kept) as MicrosoftCredential).proof
  if (proof?.kind !== kind) return null
  if (proof.kind === 'secret') return { clientSecret: proof.clientSecret.reveal() }
  return { certificate: proof.certificatePem, privateKey: proof.privateKey.reveal() }
}

/** Domain's complaints, put under the fields of this form. */
async function tryField<T>(
  complaints: ReadForm['complaints'],
  read: () => T | Promise<T>,
  fieldOf: (name: OwnCredentialField) => OwnCredentialField,
): Promise<T | null> {
  try {
    return await read()
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error
    for (const [name, [problem]] of Object.entries(error.problems))
      complaints[fieldOf(name as OwnCredentialField)] ??= problem!.description
    return null
  }
}

/** Optional. Its first moment counts, so that a warning is rather a day early than one late. */
function checkDayAhead(day: string, now: Date, complaints: ReadForm['complaints']): void {
  if (!day) return
  const begins = new Date(`${day}T00:00:00Z`)
  // A day that its month does not have becomes one of the next month.
  if (Number.isNaN(begins.getTime()) || begins.toISOString().slice(0, 10) !== day)
    complaints.secret_expires_on = t.field.dayRequired
  else if (begins <= now) complaints.secret_expires_on = t.field.dayIsOver
}

const ADDRESS = /^[^\s@\p{C}]{1,64}@[^\s@\p{C}]{1,253}\.[^\s@.\p{C}]{2,63}$/u

export const isAddress = (text: string) => ADDRESS.test(text)

function readMailbox(typed: TypedIn, complaints: ReadForm['complaints']): string {
  const mailbox = typed('mailbox').trim()
  if (!isAddress(mailbox)) complaints.mailbox = t.field.addressRequired
  return mailbox
}
