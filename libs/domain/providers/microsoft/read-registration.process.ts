import { json } from 'node:stream/consumers'
import { ValidationError } from '#platform/errors/validation-error.js'
import { serialiseCredential } from '../credential-codec.js'
import { readMicrosoftRegistration, type TypedRegistration } from './microsoft-registration.js'

/** What `read-registration-aside` starts: reads one registration from stdin, and answers on stdout. */
const { typed, now } = (await json(process.stdin)) as { typed: TypedRegistration; now: string }
process.stdout.write(JSON.stringify(answer()))

function answer() {
  try {
    return { credential: serialiseCredential(readMicrosoftRegistration(typed, new Date(now))).reveal() }
  } catch (error) {
    if (error instanceof ValidationError) return { problems: error.problems }
    throw error
  }
}
