import { type Logger, pino } from 'pino'
import { BrokerError } from '#platform/errors/broker-error.js'

/**
 * What a log line may hold: flat facts. Objects, bodies, headers and library errors cannot be passed, because a
 * deny-list of secret paths always misses one.
 */
export type LogFields = Record<string, string | number | boolean | null | undefined>

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** One wide line per event, named `thing.happened`. */
export class Log {
  readonly #pino: Logger

  /** @param write where lines go instead of stdout */
  constructor(level: LogLevel, write?: (line: string) => void) {
    const destination = write ? { write } : stdoutInBatches()
    this.#pino = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination)
  }

  debug(event: string, fields: LogFields = {}) {
    this.#pino.debug(fields, event)
  }

  info(event: string, fields: LogFields = {}) {
    this.#pino.info(fields, event)
  }

  warn(event: string, fields: LogFields = {}) {
    this.#pino.warn(fields, event)
  }

  error(event: string, fields: LogFields = {}) {
    this.#pino.error(fields, event)
  }

  /** An error at the level it asks for; of an unknown one its class and message, which our own code wrote or a driver did. */
  failure(event: string, error: unknown, fields: LogFields = {}) {
    if (error instanceof BrokerError) {
      this.#pino[error.logLevel]({ ...fields, code: error.code, detail: error.detail ?? error.publicText }, event)
    } else {
      const { name, message, stack } = error instanceof Error ? error : new Error(String(error))
      this.#pino.error({ ...fields, error: name, detail: message, stack }, event)
    }
  }
}

const FLUSH_MS = 500

/**
 * A write to a pipe blocks the whole process until its reader comes along, so lines are written some at a time. An
 * ordinary exit writes what is left; SIGKILL loses half a second of lines, and nothing but lines.
 */
const stdoutInBatches = () => pino.destination({ dest: 1, sync: false, minLength: 4096, periodicFlush: FLUSH_MS })
