import { CommanderError } from 'commander'
import { ConfigurationError } from '#platform/config/settings.js'
import { BrokerError } from '#platform/errors/broker-error.js'
import { ValidationError } from '#platform/errors/validation-error.js'

interface Failure {
  error: string
  error_description: string
}

/** Options that are not simply the field's name with dashes. */
const OPTIONS: Record<string, string> = {
  redirect_uris: '--redirect-uri',
  callback_origins: '--callback-origin',
  scopes: '--scope',
  expires_at: '--expires',
  key_file: '--service-account',
  private_key: '--key',
  service_account_id: '--service-account',
  client_secret_expires_at: '--client-secret-expires',
  credential_expires_at: '<time>',
  event_url: '<url>',
}

/** 2: the command line must be changed. 1: it was understood, and refused or failed. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  return error instanceof ValidationError ? 2 : 1
}

export function reportFailure(error: unknown, json: boolean) {
  if (error instanceof CommanderError && (error.exitCode === 0 || !json)) return // said by commander itself
  const failure = inWords(error)
  process.stderr.write(`${json ? JSON.stringify(failure) : failure.error_description}\n`)
}

function inWords(error: unknown): Failure {
  if (error instanceof CommanderError)
    return { error: 'usage', error_description: error.message.replace(/^error: /, '') }
  if (error instanceof ValidationError) return { error: error.code, error_description: problemsByOption(error) }
  if (error instanceof BrokerError) return { error: error.code, error_description: error.publicText }
  const description = messageOf(error)
  return { error: error instanceof ConfigurationError ? 'configuration' : 'failed', error_description: description }
}

const problemsByOption = ({ problems }: ValidationError) =>
  Object.entries(problems)
    .flatMap(([field, found]) => found.map(({ description }) => `${optionFor(field)}: ${description}`))
    .join('\n')

/** `redirect_uris[1]` was typed as the second `--redirect-uri`. */
function optionFor(field: string): string {
  const [, name = field, index] = /^(\w+)(?:\[(\d+)\])?/.exec(field) ?? []
  const option = OPTIONS[name] ?? `--${name.replaceAll('_', '-')}`
  return Number(index) > 0 ? `${option} (number ${Number(index) + 1})` : option
}

const UNREACHABLE = ['ECONNREFUSED', 'ENOTFOUND', 'ETIMEDOUT']

function messageOf(error: unknown): string {
  // For a name with several addresses Node has one error for each, under an empty message: the first says enough.
  const meant = error instanceof AggregateError && !error.message ? error.errors[0] : error
  const { code = '', message = String(error) } = meant as NodeJS.ErrnoException
  return UNREACHABLE.includes(code) ? `The PostgreSQL at DATABASE_URL cannot be reached: ${message}` : message
}
