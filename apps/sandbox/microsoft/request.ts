import type { FastifyRequest } from 'fastify'

export type Fields = Readonly<Record<string, string | undefined>>

/** Of a parameter that comes twice the last one counts; so every value is one string. */
export const queryOf = (request: FastifyRequest): Fields =>
  Object.fromEntries(new URLSearchParams(request.url.split('?')[1]))

/** The fields of a form; anything else that may have been posted has none. */
export const fieldsOf = ({ body }: FastifyRequest): Fields =>
  Object.fromEntries(Object.entries(body ?? {}).filter(([, value]) => typeof value === 'string'))

/** The host of Microsoft's that the caller meant, where a transport brought it here and says so. */
export function meantHost({ headers }: FastifyRequest): string | null {
  const host = headers['x-provider-host']
  return typeof host === 'string' ? host : null
}

/** This stand-in, as the caller knows it. */
export function originOf(request: FastifyRequest): string {
  const host = meantHost(request)
  return host ? `https://${host}` : `${request.protocol}://${request.host}`
}
