import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { ApiError } from '#platform/errors/api-error.js'
import { BrokerError } from '#platform/errors/broker-error.js'
import { isStoreAway, RETRY_AFTER_SECONDS } from '#platform/http/unavailability.js'
import { Log } from '#platform/observability/log.js'
import { ConnectStop } from '../connect.errors.js'
import { FindWayBack, type WayBack } from '../find-way-back.js'
import type { StopPageName } from '../pages/stops.en.js'
import { signInIdIn } from '../sign-ins.js'
import { CONNECT_PATH, PersonPages } from './person-pages.js'
import { SignInCookies } from './sign-in-cookies.js'

/** Whoever meets an error here is a person, so it becomes a page, with a way on where there is one. */
@Catch()
export class PersonPagesFilter implements ExceptionFilter {
  constructor(
    private readonly personPages: PersonPages,
    private readonly cookies: SignInCookies,
    private readonly findWayBack: FindWayBack,
    private readonly log: Log,
  ) {}

  async catch(thrown: unknown, host: ArgumentsHost) {
    const request = host.switchToHttp().getRequest<FastifyRequest>()
    const reply = host.switchToHttp().getResponse<FastifyReply>()
    const { name, status, retryAfter } = pageOf(thrown)
    this.log.failure(name === 'broken' ? 'request.failed' : 'request.refused', thrown, { request: request.id })
    if (reply.sent) return
    if (retryAfter !== undefined) reply.header('retry-after', retryAfter)
    this.personPages.stop(reply, { name, status, ...(await this.#waysOn(request, thrown, name)) })
  }

  /** Only for the browser that has the cookie of the sign-in: an address is no secret between strangers. */
  async #waysOn(request: FastifyRequest, thrown: unknown, name: StopPageName) {
    const { id = '' } = request.params as { id?: string }
    const { state } = request.query as { state?: unknown }
    const signInId = id || (typeof state === 'string' ? signInIdIn(state) : null)
    const cookie = signInId ? this.cookies.read(request, signInId) : undefined
    if (!signInId || !cookie) return {}
    if (GOES_ON.has(name)) return { goOnAt: `${CONNECT_PATH}/${signInId}` }
    if (!(thrown instanceof ConnectStop)) return {}
    const back: WayBack | null = await this.findWayBack.find({ id: signInId, cookie }, thrown)
    return { shown: thrown.shown, back }
  }
}

/** After which the sign-in stands where it stood. */
const GOES_ON: ReadonlySet<StopPageName> = new Set(['outOfDate', 'foreignForm', 'badRequest'])

interface PageOfAnError {
  name: StopPageName
  status: number
  retryAfter?: number | undefined
}

function pageOf(thrown: unknown): PageOfAnError {
  if (thrown instanceof ConnectStop) return { name: thrown.stop, status: thrown.status }
  if (thrown instanceof ApiError && thrown.status === 429)
    return { name: 'tooManyVisits', status: 429, retryAfter: thrown.retryAfter }
  if (isStoreAway(thrown)) return { name: 'broken', status: 503, retryAfter: RETRY_AFTER_SECONDS }
  const status = refusedByFramework(thrown)
  return status ? { name: 'badRequest', status } : { name: 'broken', status: 500 }
}

/** What Nest, Fastify and its plug-ins refuse: too large, too many fields, not a form. */
function refusedByFramework(thrown: unknown): number | null {
  if (thrown instanceof BrokerError) return null
  const { statusCode } = thrown as { statusCode?: unknown }
  const status = thrown instanceof HttpException ? thrown.getStatus() : statusCode
  return typeof status === 'number' && status >= 400 && status < 500 ? status : null
}
