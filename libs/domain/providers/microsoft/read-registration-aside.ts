import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { seconds } from '#platform/clock/clock.js'
import { type FieldProblems, ValidationError } from '#platform/errors/validation-error.js'
import { Secret } from '#platform/secrets/secret.js'
import { parseCredential } from '../credential-codec.js'
import type { MicrosoftCredential } from '../provider.port.js'
import { readMicrosoftRegistration, type TypedRegistration } from './microsoft-registration.js'

/** An ordinary file takes well under a second; the rest is for a busy machine. */
const LONGEST = seconds(10)
const MOST_AT_ONCE = 4
/** Tests run from the sources, and a process needs what was built of them. */
const SCRIPT = fileURLToPath(
  new URL('./read-registration.process.js', import.meta.url.replace(/(?<!\/dist)\/libs\//, '/dist/libs/')),
)

let underWay = 0

/**
 * `readMicrosoftRegistration` for what a stranger has uploaded. A file that a password opens says itself how many rounds
 * that takes, billions if it likes, and OpenSSL can neither be told a limit nor be stopped: so a process of its own opens
 * it, and is killed when it takes too long.
 * @throws ValidationError
 */
export async function readRegistrationAside(
  typed: TypedRegistration,
  now: Date,
  longestMs = LONGEST,
): Promise<MicrosoftCredential> {
  if (!typed.pfx?.trim() && !typed.password) return readMicrosoftRegistration(typed, now)
  const field = typed.pfx?.trim() ? 'pfx' : 'private_key'
  if (underWay >= MOST_AT_ONCE) throw refused(field, 'Other files are being opened just now. Try again in a moment.')
  underWay += 1
  try {
    const answer = await answerOf(JSON.stringify({ typed, now }), longestMs)
    if (!answer) throw refused(field, 'This takes too long to open. Export it again, with the settings that are usual.')
    if (answer.problems) throw new ValidationError(answer.problems)
    return parseCredential(new Secret(answer.credential!)) as MicrosoftCredential
  } finally {
    underWay -= 1
  }
}

/** Null: it was killed. What went wrong otherwise is not told, because the error would hold what the process said. */
function answerOf(question: string, timeout: number) {
  return new Promise<{ credential?: string; problems?: FieldProblems } | null>((resolve, reject) => {
    const options = { timeout, killSignal: 'SIGKILL', env: {} } as const
    const { stdin } = execFile(process.execPath, [SCRIPT], options, (error, stdout) => {
      if (error?.killed) resolve(null)
      else if (error) reject(new Error('the process that reads a registration has failed'))
      else resolve(JSON.parse(stdout))
    })
    // It may be gone before it has read everything; what became of it is said above.
    stdin!.on('error', () => {}).end(question)
  })
}

const refused = (field: string, description: string) =>
  new ValidationError({ [field]: [{ key: 'errors.invalid', description }] })
