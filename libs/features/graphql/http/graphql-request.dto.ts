import { z } from 'zod'
import { text } from '#platform/http/read-input.js'

const MOST_CHARACTERS = 64 * 1024

/**
 * A request of GraphQL over HTTP. One, and not a list of them: batches would let one request cost what many do. What else a
 * library sends along (`extensions`) is not looked at.
 */
export const graphqlRequestDto = z.object(
  {
    query: z
      .string('must be a GraphQL document, as a string')
      .min(1, 'required: a GraphQL document')
      .max(MOST_CHARACTERS, `must have at most ${MOST_CHARACTERS} characters`),
    operationName: text(256).nullish(),
    variables: z.record(z.string(), z.unknown(), { error: 'must be an object' }).nullish(),
  },
  { error: 'must be one object with query, operationName and variables; several at once (batches) are not taken' },
)
