import { setTimeout as pause } from 'node:timers/promises'
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { z } from 'zod'
import { type Answer, Refused, sendAnswer } from './answer.js'
import { CONTROL_PREFIX, registerControlApi } from './control-api.js'
import { FaultRules, type NamedErrors } from './fault-rules.js'
import { ImpossibleChange, type Mutation, mutation } from './mutation.js'
import { type JournalEntry, pathWithoutSecrets, RequestJournal, tokenHashOf } from './request-journal.js'
import type { ShiftableClock } from './shiftable-clock.js'

declare module 'fastify' {
  interface FastifyRequest {
    journalEntry: JournalEntry | null
  }
}

export interface StandInDefinition {
  name: 'google' | 'microsoft' | 'receiver'
  /** One sentence for `GET /__sandbox/`. */
  about: string
  /** Requests worth trying, for `GET /__sandbox/`. */
  tryThis: readonly string[]
  clock: ShiftableClock
  errors: NamedErrors
  mutations: readonly Mutation[]
  /** What `POST /__sandbox/seed` takes, and how it replaces the world. */
  seed: { schema: z.ZodType; load(seed: unknown): void }
  /** The world as `GET /__sandbox/state` shows it: no private keys, no secrets, no tokens. */
  state(): unknown
  /** Whose mailbox a request is about, for the journal and for fault rules. Must not throw. */
  subjectOf(request: FastifyRequest): string | null
  /** How this provider answers a request that it cannot read (`status` 400, 413, 415, 500) or a path it does not have (404). */
  unreadable(status: number, message: string): Answer
}

/** One provider on one origin: a real HTTP server with journal, faults and control API wired in. Routes are added to `http`. */
export class StandIn {
  readonly http: FastifyInstance
  readonly journal = new RequestJournal()
  readonly faults: FaultRules
  readonly mutations: ReadonlyMap<string, Mutation>
  #url: string | null = null

  constructor(readonly definition: StandInDefinition) {
    this.faults = new FaultRules(definition.errors)
    const shiftClock = mutation(
      'shift-clock',
      "Moves this stand-in's clock by so many seconds; negative is back.",
      z.strictObject({ seconds: z.number() }),
      ({ seconds }) => definition.clock.shift(seconds),
    )
    this.mutations = new Map([...definition.mutations, shiftClock].map((one) => [one.name, one]))
    this.http = this.#build()
    registerControlApi(this)
  }

  /** @throws when not listening yet */
  get url(): string {
    if (this.#url === null) throw new Error(`the ${this.definition.name} stand-in is not listening`)
    return this.#url
  }

  /** On loopback only; port 0 takes a free one. */
  async listen(port: number): Promise<void> {
    await this.http.listen({ port, host: '127.0.0.1' })
    const address = this.http.server.address()
    if (address === null || typeof address === 'string') throw new Error('not listening on a port')
    this.#url = `http://127.0.0.1:${address.port}`
  }

  async close(): Promise<void> {
    await this.http.close()
  }

  /** The same change that `POST /__sandbox/mutations` makes. */
  mutate(name: string, input: Record<string, unknown> = {}): unknown {
    const known = this.mutations.get(name)
    if (!known)
      throw new ImpossibleChange(`mutation: there is no "${name}"; there are ${[...this.mutations.keys()].join(', ')}`)
    return known.apply(input)
  }

  /** The same replacement of the world that `POST /__sandbox/seed` makes; its clock is right again. @throws ZodError */
  reseed(input: unknown): void {
    const { seed, clock } = this.definition
    const world = seed.schema.parse(input)
    clock.reset()
    seed.load(world)
  }

  #build(): FastifyInstance {
    const http = fastify({
      // A hung request must not keep the process from stopping.
      forceCloseConnections: true,
      routerOptions: { maxParamLength: 1_000, ignoreTrailingSlash: true },
    })
    http.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => {
      done(null, Object.fromEntries(new URLSearchParams(body as string)))
    })
    http.decorateRequest('journalEntry', null)
    http.addHook('onRequest', async (request) => this.#note(request))
    http.addHook('preHandler', async (request, reply) => this.#interfere(request, reply))
    http.addHook('onSend', async (request, reply, payload) => {
      reply.header('date', this.definition.clock.now().toUTCString())
      if (request.journalEntry?.fault !== 'truncate' || typeof payload !== 'string') return payload
      reply.removeHeader('content-length')
      return payload.slice(0, Math.floor(payload.length / 2))
    })
    http.addHook('onResponse', async (request, reply) => {
      if (request.journalEntry) request.journalEntry.status = reply.statusCode
    })
    http.setNotFoundHandler((request, reply) =>
      sendAnswer(reply, this.definition.unreadable(404, `${request.method} ${pathOf(request)} is not here`)),
    )
    http.setErrorHandler((error: FastifyError, _request, reply) => {
      if (error instanceof Refused) return sendAnswer(reply, error.answer)
      const status = error.statusCode ?? 500
      if (status >= 500) process.stderr.write(`${this.definition.name} stand-in: ${error.stack}\n`)
      return sendAnswer(reply, this.definition.unreadable(status, error.message))
    })
    return http
  }

  #note(request: FastifyRequest): void {
    if (request.url.startsWith(CONTROL_PREFIX)) return
    const { authorization, host = '', 'x-provider-host': providerHost } = request.headers
    request.journalEntry = this.journal.add({
      at: this.definition.clock.now().toISOString(),
      method: request.method,
      host,
      providerHost: typeof providerHost === 'string' ? providerHost : null,
      path: pathWithoutSecrets(request.url),
      status: null,
      subject: null,
      tokenHash: tokenHashOf(authorization),
      fault: null,
    })
  }

  async #interfere(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const entry = request.journalEntry
    if (!entry) return
    entry.subject = this.definition.subjectOf(request)
    if (!this.faults.any) return
    const outcome = this.faults.take({
      method: request.method,
      path: pathOf(request),
      text: () => `${decoded(request.url)}\n${textOf(request.body)}\n${entry.subject ?? ''}`,
    })
    if (!outcome) return
    entry.fault = outcome.kind === 'pass' ? 'delay' : outcome.kind
    if (outcome.delayMs > 0) await pause(outcome.delayMs)
    if (outcome.kind === 'answer') await sendAnswer(reply, outcome.answer)
    if (outcome.kind === 'hang' || outcome.kind === 'reset') reply.hijack()
    if (outcome.kind === 'reset') request.raw.socket.resetAndDestroy()
  }
}

const textOf = (body: unknown) => (typeof body === 'string' ? body : JSON.stringify(body ?? ''))

const pathOf = (request: FastifyRequest) => request.url.split('?', 1)[0] ?? ''

function decoded(url: string): string {
  try {
    return decodeURIComponent(url)
  } catch {
    return url
  }
}
