import { z } from 'zod'

/** Stored times on the wire. */
export const timeAnswer = z.iso.datetime()

/** Every refusal but bad input (contract section 0). */
export const errorAnswer = z.strictObject({
  error: z.string().meta({ description: 'Stable; match on this.' }),
  error_description: z.string().meta({ description: 'What was wrong, where, and what would be right.' }),
})

/** Bad input, by field as the caller wrote it. */
export const validationAnswer = z.strictObject({
  errors: z.record(z.string(), z.array(z.strictObject({ key: z.string(), description: z.string() })).min(1)),
})

/** What each status means here, whichever route answers with it. */
export const REFUSALS: Readonly<Record<number, string>> = {
  400: 'The request cannot be understood; `error` says what is wrong.',
  401: 'Who calls was not shown, or is not known here.',
  403: 'Known, but not allowed to do this.',
  404: 'It does not exist, or is not yours.',
  409: 'It is not in a state in which this can be done.',
  410: 'It is over.',
  413: 'The body is too large.',
  415: 'The body is of a kind, encoding or charset that is not read here.',
  422: 'A field is wrong; each is named.',
  429: 'Too many of these; wait as long as `Retry-After` says.',
  431: 'The address or the headers are too long.',
  503: 'Something that is needed for this is away just now.',
}
