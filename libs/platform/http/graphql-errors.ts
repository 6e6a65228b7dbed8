import { unavailable } from '#platform/errors/api-error.js'
import { BrokerError } from '#platform/errors/broker-error.js'
import { ValidationError } from '#platform/errors/validation-error.js'
import { isStoreAway, RETRY_AFTER_SECONDS, retryAfterOf } from './unavailability.js'

/** An error in the form of GraphQL: `code` is for programs, `message` says what to do. */
export interface GraphqlError {
  message: string
  extensions: {
    code: string
    /** By field, as elsewhere. */
    problems?: ValidationError['problems']
    /** Seconds to wait. */
    retryAfter?: number
    /** Where it is on our side: what to ask about. */
    requestId?: string
  }
}

/** The GraphQL mapper of the error family. What it does not know leaves as a fixed text and an id to ask about. */
export function graphqlErrorOf(thrown: unknown, requestId: string): GraphqlError {
  const error = isStoreAway(thrown)
    ? unavailable('The database cannot be reached just now.', RETRY_AFTER_SECONDS, thrown)
    : thrown
  if (error instanceof ValidationError) {
    const sentences = Object.entries(error.problems).flatMap(([field, found]) =>
      found.map(({ description }) => `${field}: ${description}.`),
    )
    return { message: sentences.join(' '), extensions: { code: error.code, problems: error.problems } }
  }
  if (!(error instanceof BrokerError)) {
    const message = `Something failed on our side. When you ask about it, give the id ${requestId}.`
    return { message, extensions: { code: 'server_error', requestId } }
  }
  const retryAfter = retryAfterOf(error)
  return {
    message: error.publicText,
    extensions: { code: error.code, ...(retryAfter !== undefined && { retryAfter }) },
  }
}
