import { RouteConfig } from '@nestjs/platform-fastify'
import type { z } from 'zod'

/** What a caller has to show. `browser`: a page for a person, tied to their browser by a cookie. */
export type Access = 'public' | 'client' | 'access token' | 'user token' | 'API key' | 'admin key' | 'browser'

/** A schema is JSON; the rest has no schema. `passed on` is whatever the provider answered. */
export type Answer = z.ZodType | 'page' | 'redirect' | 'empty' | 'file' | 'passed on'

/** What a route promises, in the terms of the schemas that it reads its input with and writes its answers by. */
export interface RouteDescription {
  summary: string
  /** What the summary leaves open, in whole sentences. */
  details?: string
  access: Access
  query?: z.ZodType
  headers?: z.ZodType
  /** `passed on`: not read here, and streamed to the provider as it is. */
  body?: z.ZodType | 'passed on'
  /** As what a body is taken besides JSON, or in its place. */
  forms?: 'too' | 'only'
  /** By status; a range such as `4XX` for what is passed on. */
  answers: Readonly<Record<string, Answer>>
  /** For routes that describe themselves in another way, as GraphQL does: not in `/openapi.json`, which is about REST. */
  unlisted?: true
  /** Statuses of refusals that do not follow from what is said above. */
  refusals?: readonly number[]
}

export interface DescribedHandler extends RouteDescription {
  /** Class and method of the handler, e.g. `AccessRequests.list`. */
  operation: string
}

declare module 'fastify' {
  interface FastifyContextConfig {
    described?: DescribedHandler
  }
}

/**
 * Stands on every handler of a controller: `/openapi.json` and `/docs` are made of these, and a test fails for a route
 * that has none.
 *
 *     @Get(':id')
 *     @Described({ summary: 'Show a request', access: 'access token', answers: { 200: requestAnswer } })
 */
export function Described(description: RouteDescription): MethodDecorator {
  return (target, name, descriptor) => {
    const operation = `${target.constructor.name.replace(/Controller$/, '')}.${String(name)}`
    return RouteConfig({ described: { ...description, operation } })(target, name, descriptor)
  }
}
