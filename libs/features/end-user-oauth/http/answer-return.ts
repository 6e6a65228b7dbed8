import { Inject, Injectable } from '@nestjs/common'
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import { Clients } from '#domain/clients/clients.js'
import type { ProviderName } from '#domain/providers/provider.port.js'
import type { HttpSettings } from '#platform/config/settings.js'
import { HTTP_SETTINGS } from '#platform/config/tokens.js'
import { Database } from '#platform/database/database.js'
import { text } from '#platform/http/read-input.js'
import { clientAnswer } from '#platform/oauth-protocol/client-answer.js'
import { Pages } from '#platform/pages/pages.js'
import { callerAddress } from '#platform/rate-limits/caller-address.js'
import { RateLimits } from '#platform/rate-limits/rate-limits.js'
import { AcceptPersonReturn, type PersonReturn, type ReturnEnd, staysWithUs } from '../accept-person-return.js'
import { answerToClient } from '../answer-to-client.js'
import { stopFacts } from '../connect.errors.js'
import { FindWayBack } from '../find-way-back.js'
import type { SignIn } from '../sign-in.entity.js'
import { PersonPages } from './person-pages.js'

/** As the document shows it; what else a provider sends is of no interest. */
export const returnQuery = z.object({
  state: text(200).optional(),
  code: text(4096).optional(),
  error: text(200).optional(),
  error_description: text(2000).optional(),
})

/** A browser that is back from a provider: where it goes now, in each dialect. */
@Injectable()
export class AnswerReturn {
  constructor(
    private readonly acceptReturn: AcceptPersonReturn,
    private readonly findWayBack: FindWayBack,
    private readonly database: Database,
    private readonly clients: Clients,
    private readonly personPages: PersonPages,
    private readonly pages: Pages,
    private readonly limits: RateLimits,
    @Inject(HTTP_SETTINGS) private readonly http: HttpSettings,
  ) {}

  /**
   * Each stop may be put on record and lead to the next one, so they are counted as visits are: nobody goes round and round.
   * @throws ConnectStop unknown, otherBrowser; ApiError too_many_requests
   */
  async answer(reply: FastifyReply, returned: PersonReturn, cookie?: string) {
    const address = callerAddress(reply.request.ip)
    this.limits.authorizations.refuseBlocked(address)
    const end = await this.acceptReturn.accept(returned, cookie)
    if (end.kind === 'once more') return this.pages.redirect(reply, end.url.href)
    if (end.kind === 'stopped') {
      await this.limits.authorizations.count(address)
      return this.#stopped(reply, end, returned.state)
    }
    return this.#connected(reply, end, returned.state)
  }

  async #connected(
    reply: FastifyReply,
    { signIn, email, code }: Extract<ReturnEnd, { signIn: SignIn; code: unknown }>,
    state: string,
  ) {
    const { redirectUri } = signIn
    if (redirectUri == null) {
      const client = await this.database.read((em) => this.clients.get(em, signIn.clientId))
      return this.personPages.connected(reply, client, email)
    }
    return this.pages.redirect(reply, code ? this.#atClient(signIn, state, { code: code.reveal() }) : redirectUri)
  }

  async #stopped(reply: FastifyReply, end: Extract<ReturnEnd, { kind: 'stopped' }>, state: string) {
    const { signIn, stop, again } = end
    if (staysWithUs(signIn, stop)) {
      const back = await this.findWayBack.find(signIn, stop)
      const page = { name: stop.stop, status: stop.status, shown: stop.shown, againAt: again?.href, back }
      return this.personPages.stop(reply, page)
    }
    const { error, text } = stopFacts(stop.stop)
    return this.pages.redirect(reply, this.#atClient(signIn, state, { error, error_description: text }))
  }

  /** By OAuth with the client's own state. By GraphQL the client has been told ours, and finds its user's session by it. */
  #atClient(signIn: SignIn, state: string, parameters: Record<string, string>): string {
    if (signIn.dialect === 'oauth') return answerToClient(signIn, this.http.publicUrl.origin, parameters)
    const encodedState = signIn.dialect === 'socrate' ? encodeURIComponent(state) : null
    return clientAnswer({ redirectUri: signIn.redirectUri!, encodedState }, null, parameters)
  }
}

/** What came, as text or not at all: a parameter that came twice is none. */
export function readReturn(provider: ProviderName | null, query: Record<string, unknown>): PersonReturn {
  const one = (name: string) => (typeof query[name] === 'string' ? query[name] : null)
  return {
    provider,
    state: one('state') ?? '',
    code: one('code'),
    error: one('error'),
    errorDescription: one('error_description'),
  }
}
