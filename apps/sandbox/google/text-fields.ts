import type { FastifyRequest } from 'fastify'

export type TextFields = Record<string, string | undefined>

/** The fields of the form, or else of the query; only text, so that no handler meets anything stranger. */
export function textFields(request: FastifyRequest): TextFields {
  const given: Record<string, unknown> = { ...(request.query as object), ...(request.body as object | null) }
  return Object.fromEntries(
    Object.entries(given).filter((field): field is [string, string] => typeof field[1] === 'string'),
  )
}
