import { Injectable } from '@nestjs/common'
import type { RouteOptions } from 'fastify'
import type { DescribedHandler } from './describe-route.js'

export interface ServedRoute {
  method: Method
  /** As OpenAPI writes it: `/v1/things/{id}`. */
  path: string
  /** Undefined: somebody forgot `@Described`. */
  described: DescribedHandler | undefined
}

/** Those that a document can name. HEAD comes with every GET; what else a route takes, it takes to refuse it. */
const METHODS = ['get', 'put', 'post', 'patch', 'delete'] as const
export type Method = (typeof METHODS)[number]

/** What this process serves, as Fastify was told: nothing can be served that is not in here. */
@Injectable()
export class RouteTable {
  readonly #routes: ServedRoute[] = []

  add({ method, url, config }: RouteOptions): void {
    const methods = [method].flat().map((name) => name.toLowerCase())
    const path = url.replace(/:(\w+)/g, '{$1}').replace('*', '{path}')
    for (const known of METHODS)
      if (methods.includes(known)) this.#routes.push({ method: known, path, described: config?.described })
  }

  get routes(): readonly ServedRoute[] {
    return this.#routes
  }
}
