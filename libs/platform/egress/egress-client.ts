import { Injectable, type OnApplicationShutdown, Optional } from '@nestjs/common'
import type { AllowedUrl } from './allowed-url.js'
import { AnswerReader, type EgressAnswer } from './answer-reader.js'
import { DocumentReader, type EgressDocument } from './document-reader.js'
import { EgressPolicy } from './egress-policy.js'
import { GuardedAgent } from './guarded-agent.js'
import { type Resolve, resolveWith } from './resolve-name.js'

export interface EgressRequest {
  headers: Record<string, string>
  body: string | Buffer
  /** For the whole call: name, connection, request, answer. Whoever leases a row for a call leases it for longer. */
  totalTimeoutMs: number
}

/** The one way to call an address that a customer gave us. */
@Injectable()
export class EgressClient implements OnApplicationShutdown {
  readonly #agent: GuardedAgent

  constructor(policy: EgressPolicy, @Optional() resolve?: Resolve) {
    this.#agent = new GuardedAgent(policy, resolve ?? resolveWith(policy))
  }

  /**
   * The answer, whatever its status: what a status means is the caller's business. Redirects are answers too, never
   * followed. Nothing is sent twice; a kept socket that the receiver closed meanwhile counts as a failure, and the
   * caller's retry schedule deals with it.
   * @throws EgressError when there was no answer
   */
  post(to: AllowedUrl, { headers, body, totalTimeoutMs }: EgressRequest): Promise<EgressAnswer> {
    return new Promise((resolve, reject) => {
      const reader = new AnswerReader(to.host, totalTimeoutMs, resolve, reject)
      this.#agent.dispatch(to, { method: 'POST', headers, body }, reader)
    })
  }

  /**
   * A small document, whole, whatever its status. Redirects are answers too, never followed.
   * @param mostBytes a longer answer is a failure
   * @throws EgressError when there was no answer, or not all of it
   */
  get(
    from: AllowedUrl,
    {
      headers,
      mostBytes,
      totalTimeoutMs,
    }: { headers: Record<string, string>; mostBytes: number; totalTimeoutMs: number },
  ): Promise<EgressDocument> {
    return new Promise((resolve, reject) => {
      const reader = new DocumentReader(from.host, mostBytes, totalTimeoutMs, resolve, reject)
      this.#agent.dispatch(from, { method: 'GET', headers }, reader)
    })
  }

  /** Lets calls under way end. */
  close(): Promise<void> {
    return this.#agent.close()
  }

  /** The last of Nest's hooks, so that workers, which stop in an earlier one, can still finish their calls. */
  onApplicationShutdown(): Promise<void> {
    return this.close()
  }
}
