import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { ApiError } from '#platform/errors/api-error.js'
import { BrokerError } from '#platform/errors/broker-error.js'
import { ProviderError } from '#platform/errors/provider-error.js'
import { isStoreAway, RETRY_AFTER_SECONDS } from '#platform/http/unavailability.js'
import { Log } from '#platform/observability/log.js'
import { Ending, type EndingName } from '../pages/ending.page.js'
import { consentIdIn } from '../provider-return-state.js'
import { ConsentStop, isFinal, statusOf } from '../service-accounts.errors.js'
import { ConsentCookies } from './consent-cookies.js'
import { CONSENTS_PATH, PageAnswers } from './page-answers.js'

/** Whoever meets an error here is a person, so it becomes a page. */
@Catch()
export class ConsentPagesFilter implements ExceptionFilter {
  constructor(
    private readonly pages: PageAnswers,
    private readonly cookies: ConsentCookies,
    private readonly log: Log,
  ) {}

  catch(thrown: unknown, host: ArgumentsHost) {
    const request = host.switchToHttp().getRequest<FastifyRequest>()
    const reply = host.switchToHttp().getResponse<FastifyReply>()
    const { ending, status, shown, retryAfter } = endingOf(thrown)
    const event = ending === 'broken' ? 'request.failed' : 'request.refused'
    this.log.failure(event, thrown, { request: request.id })
    if (reply.sent) return
    const goOnAt = isFinal(ending) ? undefined : this.#goOnAt(request)
    const page = Ending({ frame: this.pages.frame(request), name: ending, detail: shown, goOnAt })
    if (retryAfter !== undefined) reply.header('retry-after', retryAfter)
    this.pages.send(reply, page, { status })
  }

  /** Only to a browser that has this consent's cookie: an address is no secret between strangers. */
  #goOnAt(request: FastifyRequest): string | undefined {
    const { id } = request.params as { id?: string }
    const { state } = request.query as { state?: unknown }
    const consentId = id ?? (typeof state === 'string' ? consentIdIn(state) : null)
    return consentId && this.cookies.read(request, consentId) ? `${CONSENTS_PATH}/${consentId}/now` : undefined
  }
}

interface PageOfAnError {
  ending: EndingName
  status: number
  shown?: string
  retryAfter?: number
}

function endingOf(thrown: unknown): PageOfAnError {
  if (thrown instanceof ConsentStop)
    return { ending: thrown.ending, status: statusOf(thrown.ending), shown: thrown.shown }
  if (thrown instanceof ProviderError) {
    const ending = thrown.facts.class === 'retry' ? 'providerDown' : 'signInFailed'
    return { ending, status: statusOf(ending), shown: thrown.facts.problem }
  }
  if (thrown instanceof ApiError && thrown.status === 429)
    return { ending: 'tooManyVisits', status: 429, retryAfter: thrown.retryAfter }
  if (thrown instanceof ApiError && thrown.status === 413) return { ending: 'badRequest', status: 413 }
  if (isStoreAway(thrown)) return { ending: 'broken', status: 503, retryAfter: RETRY_AFTER_SECONDS }
  const status = refusedByFramework(thrown)
  return status ? { ending: 'badRequest', status } : { ending: 'broken', status: 500 }
}

/** What Nest and Fastify refuse. */
function refusedByFramework(thrown: unknown): number | null {
  if (thrown instanceof BrokerError) return null
  const { statusCode } = thrown as { statusCode?: unknown }
  const status = thrown instanceof HttpException ? thrown.getStatus() : statusCode
  return typeof status === 'number' && status >= 400 && status < 500 ? status : null
}
