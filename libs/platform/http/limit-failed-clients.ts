import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common'
import type { FastifyRequest } from 'fastify'
import { lastValueFrom, type Observable, of } from 'rxjs'
import { OAuthError } from '#platform/errors/oauth-error.js'
import { callerAddress } from '#platform/rate-limits/caller-address.js'
import type { Attempt } from '#platform/rate-limits/failure-limit.js'
import { RateLimits } from '#platform/rate-limits/rate-limits.js'
import { readBasic } from './basic-credentials.js'

/** Stands on controllers at which clients present their secret: too many wrong ones are refused before anything is read. */
@Injectable()
export class LimitFailedClients implements NestInterceptor {
  constructor(private readonly limits: RateLimits) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const { failedClients } = this.limits
    const attempt = attemptOf(context.switchToHttp().getRequest<FastifyRequest>())
    failedClients.admit(attempt)
    try {
      const answer = await lastValueFrom(next.handle())
      failedClients.succeeded(attempt)
      return of(answer)
    } catch (error) {
      const code = error instanceof OAuthError && error.error
      if (code === 'invalid_client') await failedClients.failed(attempt)
      // Only who has been recognised is told about a grant.
      if (code === 'invalid_grant') failedClients.succeeded(attempt)
      throw error
    }
  }
}

/** Whichever way of authentication it is, and however it is encoded: a client that goes by two names would have two limits. */
function attemptOf({ ip, headers: { authorization }, body }: FastifyRequest): Attempt {
  const sent = (body ?? {}) as Record<string, unknown>
  const text = (name: string) => (typeof sent[name] === 'string' ? sent[name] : '')
  const basic = readBasic(authorization)
  return {
    address: callerAddress(ip),
    name: basic?.id ?? text('client_id'),
    secret: basic?.secret ?? text('client_secret'),
  }
}
