import { randomUUID } from 'node:crypto'
import { AADSTS_ROWS } from './aadsts-table.js'

export type AadstsCode = keyof typeof AADSTS_ROWS
export const AADSTS_CODES = Object.keys(AADSTS_ROWS).map(Number) as AadstsCode[]

/** A refusal of the sign-in service: the token endpoint answers it as JSON, the pages show it or send it back. */
export class AadstsError extends Error {
  readonly status: number
  readonly error: string
  readonly suberror: string | undefined

  constructor(
    readonly code: AadstsCode,
    values: Record<string, string> = {},
  ) {
    const [status, error, text, suberror] = AADSTS_ROWS[code] as readonly [number, string, string, string?]
    super(text.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? name))
    this.status = status
    this.error = error
    this.suberror = suberror
  }
}

/** The answer's body. `invalid_tenant` instead of `invalid_request` is what discovery says for an unknown tenant. */
export function aadstsBody(
  refusal: AadstsError,
  at: Date,
  correlationId: string = randomUUID(),
  error = refusal.error,
) {
  const traceId = randomUUID()
  const timestamp = `${at.toISOString().slice(0, 19).replace('T', ' ')}Z`
  return {
    error,
    error_description: `AADSTS${refusal.code}: ${refusal.message}\r\nTrace ID: ${traceId}\r\nCorrelation ID: ${correlationId}\r\nTimestamp: ${timestamp}`,
    error_codes: [refusal.code],
    timestamp,
    trace_id: traceId,
    correlation_id: correlationId,
    error_uri: `https://login.microsoftonline.com/error?code=${refusal.code}`,
    ...(refusal.suberror ? { suberror: refusal.suberror } : {}),
    ...(refusal.code === 53003
      ? { claims: '{"access_token":{"capolids":{"essential":true,"values":["sandbox"]}}}' }
      : {}),
  }
}
