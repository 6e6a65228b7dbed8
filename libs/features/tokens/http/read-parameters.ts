import type { z } from 'zod'
import { OAuthError } from '#platform/errors/oauth-error.js'
import { readOAuthInput } from '#platform/http/read-input.js'

/**
 * The parameters of a request to an OAuth endpoint: each once (RFC 6749 section 3.2), and in the body alone, because
 * URLs are written into logs (section 2.3.1). `code[]` and `code[0]` are other ways to write `code` twice.
 * @throws OAuthError invalid_request
 */
export function readParameters<Shape extends z.ZodRawShape>(
  dto: z.ZodObject<Shape>,
  { body, query }: { body: unknown; query: unknown },
): z.output<z.ZodObject<Shape>> {
  const known = Object.keys(dto.shape)
  const parameterIn = (name: string) => known.find((each) => name === each || name.startsWith(`${each}[`))
  for (const name of Object.keys(query ?? {}).map(parameterIn))
    if (name) throw new OAuthError('invalid_request', `${name}: belongs in the body, not in the URL.`)
  for (const [name, value] of Object.entries(body ?? {})) {
    const parameter = parameterIn(name)
    if (Array.isArray(value) || (parameter && parameter !== name))
      throw new OAuthError('invalid_request', `${parameter ?? 'A parameter'}: given more than once.`)
  }
  return readOAuthInput(dto, body)
}
