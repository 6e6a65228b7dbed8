import { type Logger, pino } from 'pino'
import { BrokerError } from '#platform/errors/broker-error.js'
import { errorFields } from './error-fields.js'
import { admitted, type LogFields, type OnlyLogFields } from './log-fields.js'
import { currentOrigin } from './origin.js'
import { currentTrace } from './tracing.js'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** One wide line per event, named `thing.happened`; in it the fields that `log-fields` allows, and no others. */
export class Log {
  readonly #pino: Logger

  /** @param write where lines go instead of stdout */
  constructor(level: LogLevel, write?: (line: string) => void) {
    const destination = write || level === 'silent' ? { write: write ?? (() => {}) } : stdoutInBatches()
    this.#pino = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination)
  }

  debug<Given extends LogFields>(event: string, fields?: OnlyLogFields<Given>) {
    this.#pino.debug(admitted({ ...ambient(), ...fields }), event)
  }

  info<Given extends LogFields>(event: string, fields?: OnlyLogFields<Given>) {
    this.#pino.info(admitted({ ...ambient(), ...fields }), event)
  }

  warn<Given extends LogFields>(event: string, fields?: OnlyLogFields<Given>) {
    this.#pino.warn(admitted({ ...ambient(), ...fields }), event)
  }

  error<Given extends LogFields>(event: string, fields?: OnlyLogFields<Given>) {
    this.#pino.error(admitted({ ...ambient(), ...fields }), event)
  }

  /** An error at the level it asks for; an unknown one is always an error. */
  failure<Given extends LogFields>(event: string, error: unknown, fields?: OnlyLogFields<Given>) {
    const level = error instanceof BrokerError ? error.logLevel : 'error'
    this.#pino[level](admitted({ ...ambient(), ...fields, ...errorFields(error) }), event)
  }
}

/** In whose service a line was written, so that all that belongs together is found together. */
const ambient = (): LogFields => ({ requestId: currentOrigin().requestId ?? undefined, trace: currentTrace() })

const FLUSH_MS = 500

/**
 * A write to a pipe blocks the whole process until its reader comes along, so lines are written some at a time. An
 * ordinary exit writes what is left; SIGKILL loses half a second of lines, and nothing but lines.
 */
const stdoutInBatches = () => pino.destination({ dest: 1, sync: false, minLength: 4096, periodicFlush: FLUSH_MS })
