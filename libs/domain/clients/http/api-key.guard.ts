import { type CanActivate, createParamDecorator, type ExecutionContext, Injectable } from '@nestjs/common'
import type { FastifyRequest } from 'fastify'
import { ApiError } from '#platform/errors/api-error.js'
import { nameActor } from '#platform/observability/origin.js'
import { callerAddress } from '#platform/rate-limits/caller-address.js'
import { RateLimits } from '#platform/rate-limits/rate-limits.js'
import { AuthenticateApiKey, type CallerKey as Key } from '../authenticate-api-key.js'

const keys = new WeakMap<FastifyRequest, Key>()

/** Lets a request through that bears a live API key in `x-api-key`. What the key is good for is decided field by field. */
@Injectable()
export class ApiKeyGuard implements CanActivate {
  constructor(
    private readonly authenticateApiKey: AuthenticateApiKey,
    private readonly limits: RateLimits,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest>()
    const presented = request.headers['x-api-key']
    if (typeof presented !== 'string' || !/^[\w-]{1,128}$/.test(presented)) throw keyMissing()
    const attempt = { address: callerAddress(request.ip), name: '', secret: presented }
    this.limits.failedApiKeys.admit(attempt)
    const key = await this.authenticateApiKey.authenticate(presented)
    if (!key) {
      await this.limits.failedApiKeys.failed(attempt)
      throw keyRefused()
    }
    this.limits.failedApiKeys.succeeded(attempt)
    keys.set(request, key)
    nameActor(`api-key:${key.id}`)
    return true
  }
}

/** The key that the guard found. */
export const CallerKey = createParamDecorator((_data: unknown, context: ExecutionContext): Key => {
  const key = keys.get(context.switchToHttp().getRequest<FastifyRequest>())
  if (!key) throw new Error('@CallerKey() needs ApiKeyGuard on the route')
  return key
})

/** There is no registered scheme for a header of one's own; RFC 9110 section 15.5.2 wants a challenge all the same. */
const CHALLENGE = 'ApiKey header="x-api-key"'

const keyMissing = () =>
  refusal('Send an API key in the header x-api-key. The operator makes one: mandate keys create.')
const keyRefused = () => refusal('The API key is unknown, expired or revoked, or its client is disabled.')

const refusal = (publicText: string) =>
  new ApiError({ code: 'invalid_api_key', status: 401, publicText, challenge: CHALLENGE })
