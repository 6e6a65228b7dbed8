import { Injectable } from '@nestjs/common'
import { Log } from '#platform/observability/log.js'
import { AuthorizationsResolver } from './authorizations.resolver.js'
import type { RunRequest } from './run-request.js'

/** Loads the library with the first request: a process that nobody asks by GraphQL, which is most, does without its memory. */
@Injectable()
export class LoadGraphql {
  #loaded: Promise<RunRequest> | undefined

  constructor(
    private readonly resolver: AuthorizationsResolver,
    private readonly log: Log,
  ) {}

  runRequest(): Promise<RunRequest> {
    this.#loaded ??= this.#load()
    return this.#loaded
  }

  async #load(): Promise<RunRequest> {
    const { RunRequest } = await import('./run-request.js')
    return new RunRequest(this.resolver.fields, this.log)
  }
}
