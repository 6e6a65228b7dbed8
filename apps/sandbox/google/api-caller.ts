import type { FastifyRequest } from 'fastify'
import { type AccessToken, bearerOf } from './access-tokens.js'
import { badRequest, refusal } from './errors.js'
import type { GoogleWorld } from './google-world.js'

/** The token of an API call, once it is known to be alive and to carry one of the scopes that Google accepts there. */
export function callerOf(world: GoogleWorld, request: FastifyRequest, accepted: readonly string[]): AccessToken {
  const bearer = bearerOf(request.headers.authorization)
  if (bearer === null) throw refusal('provider.token_missing')
  const token = world.tokens.find(bearer)
  if (!token) throw refusal('provider.token_rejected')
  if (!accepted.some((scope) => token.scopes.has(scope))) throw refusal('google.scope_insufficient')
  return token
}

export type Query = Record<string, string | undefined>

/** A page of a list, in the order of the list. The token is where the next page starts, wrapped so that nobody counts on it. */
export function pageOf<Item>(
  items: readonly Item[],
  { maxResults, pageToken }: Query,
  { normal, most }: { normal: number; most: number },
): { items: Item[]; nextPageToken?: string } {
  const size = maxResults === undefined ? normal : Number(maxResults)
  if (!Number.isInteger(size) || size < 1)
    throw badRequest(`Invalid value '${maxResults}'. Values must be within the range: [1, ${most}]`, 'invalidParameter')
  const start = pageToken === undefined ? 0 : startOf(pageToken)
  const end = start + Math.min(size, most)
  return {
    items: items.slice(start, end),
    ...(end < items.length && { nextPageToken: Buffer.from(`from:${end}`).toString('base64url') }),
  }
}

function startOf(pageToken: string): number {
  const [, start] = /^from:(\d+)$/.exec(Buffer.from(pageToken, 'base64url').toString()) ?? []
  if (start === undefined) throw badRequest('Invalid value for: Invalid page token', 'invalid')
  return Number(start)
}
