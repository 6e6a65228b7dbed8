import { z } from 'zod'
import { isStorable } from '#platform/database/is-storable.js'
import { OAuthError } from '#platform/errors/oauth-error.js'
import { type FieldProblems, ValidationError } from '#platform/errors/validation-error.js'

export const text = (max: number) =>
  z
    .string({ error: (issue) => (issue.input === undefined ? 'required' : 'must be a string, given once') })
    .max(max, `must have at most ${max} characters`)
    .refine(isStorable, 'must not hold NUL characters or broken Unicode')

export const requiredText = (max: number) => text(max).min(1, 'required')

/**
 * Reads what a caller sent to one of our own endpoints.
 * @throws ValidationError with one entry per field, named as the caller wrote it
 */
export function readInput<T>(schema: z.ZodType<T>, input: unknown): T {
  const parsed = schema.safeParse(input ?? {})
  if (parsed.success) return parsed.data
  // No prototype: a caller may send a field that is called `constructor`.
  const problems: FieldProblems = Object.create(null)
  for (const issue of parsed.error.issues) {
    for (const [field, description] of fieldsOf(issue)) {
      problems[field] ??= []
      problems[field].push({ key: keyOf(description), description })
    }
  }
  throw new ValidationError(problems)
}

/**
 * Reads a request to an OAuth endpoint.
 * @throws OAuthError invalid_request naming the first parameter that is wrong
 */
export function readOAuthInput<T>(schema: z.ZodType<T>, input: unknown): T {
  const parsed = schema.safeParse(input ?? {})
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]!
  throw new OAuthError('invalid_request', `${pathOf(issue.path) || 'The body'}: ${asciiOnly(issue.message)}.`)
}

function fieldsOf(issue: z.core.$ZodIssue): [field: string, description: string][] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => [pathOf([...issue.path, key.slice(0, 64)]), 'not known here'])
  return [[pathOf(issue.path) || 'body', issue.message]]
}

/** `['service_account_authorizations', 3, 'email']` is `service_account_authorizations[3].email`. */
const pathOf = (path: readonly PropertyKey[]) =>
  path.map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i > 0 ? '.' : ''}${String(part)}`)).join('')

const keyOf = (description: string) =>
  description === 'required'
    ? 'errors.required'
    : description === 'not known here'
      ? 'errors.unknown'
      : 'errors.invalid'

/** RFC 6749 section 5.2 allows neither quotes nor anything outside ASCII in a description. */
const asciiOnly = (message: string) => message.replace(/["\\]|[^\x20-\x7e]/g, "'")
