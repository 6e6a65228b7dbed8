import { BrokerError } from '#platform/errors/broker-error.js'
import { isFrame } from './log-fields.js'

const MOST_FRAMES = 8

/**
 * What the log is told of an error. One of ours has a code and a sentence that we wrote. Of any other only what it is and
 * where it came from: its message may hold a statement with its values, the text that could not be parsed, or an answer.
 */
export function errorFields(error: unknown): Record<string, unknown> {
  if (error instanceof BrokerError)
    return { code: error.code, detail: error.detail ?? error.publicText, ...causeOf(error) }
  if (!(error instanceof Error)) return { error: 'NotAnError', detail: `a ${typeof error} was thrown` }
  const { code, constraint } = error as { code?: unknown; constraint?: unknown }
  return {
    error: error.name,
    errorCode: typeof code === 'number' ? String(code) : code,
    constraint,
    ...causeOf(error),
    at: framesOf(error),
  }
}

const causeOf = ({ cause }: Error) =>
  cause instanceof Error ? { cause: (cause as NodeJS.ErrnoException).code ?? cause.name } : {}

/** The message comes first in a stack, and may have any lines in it. */
function framesOf({ stack = '', message }: Error): string | undefined {
  const end = stack.indexOf(message)
  const frames = stack
    .slice(end < 0 ? 0 : end + message.length)
    .split('\n')
    .map((line) => line.trim())
    .filter(isFrame)
  return frames.slice(0, MOST_FRAMES).join(' < ') || undefined
}
