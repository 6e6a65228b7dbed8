import { GraphQLError } from 'graphql'
import { type GraphqlError, graphqlErrorOf } from '#platform/http/graphql-errors.js'

/** As GraphQL's specification has them: what, where in the document, and where in the answer. */
export interface AnsweredError extends GraphqlError {
  locations?: readonly { line: number; column: number }[]
  path?: readonly (string | number)[]
}

/** graphql-js says itself what is wrong with a request; what a field of ours has thrown is translated as everywhere. */
export function answeredError(error: GraphQLError, requestId: string): AnsweredError {
  const { message, locations, path, originalError } = error
  const places = { ...(locations && { locations }), ...(path && { path }) }
  // Coercion wraps an error of graphql-js in another one.
  if (originalError && !(originalError instanceof GraphQLError))
    return { ...graphqlErrorOf(originalError, requestId), ...places }
  return { message: withoutValues(message), ...places, extensions: { code: 'invalid_request' } }
}

/**
 * graphql-js repeats the value that it could not take, which may be a code or a state, put in the wrong place. What was
 * wrong with it, and where, is enough.
 */
const withoutValues = (message: string): string =>
  message
    .replace(/ has invalid value .*/s, ' lacks something that must be there: a variable in it is null or not given.')
    .replace(/( cannot represent [^:]*): .*/s, '$1.')
    .replace(/^(.*?)\bValue .* does not exist in ("\w+" enum)\..*/s, '$1This value does not exist in the $2.')
    .replace(/, found .*/s, '.')
    .replace(/\b(String|BlockString|Name|Int|Float) ".*"/s, '$1')
