import type { LoggerService } from '@nestjs/common'
import { Log } from './log.js'

/** Lets the framework speak through our log. Its start-up chatter is debug; only what it warns of is heard. */
export class NestLog implements LoggerService {
  constructor(private readonly out: Log) {}

  log(message: unknown) {
    this.out.debug('framework', { message: String(message) })
  }

  warn(message: unknown) {
    this.out.warn('framework', { message: String(message) })
  }

  error(message: unknown) {
    this.out.error('framework', { message: String(message) })
  }

  fatal(message: unknown) {
    this.out.error('framework', { message: String(message) })
  }
}
