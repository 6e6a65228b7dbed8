import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common'
import type { FastifyRequest } from 'fastify'
import { ADMIN_KEYS } from '#platform/config/tokens.js'
import { ApiError, invalidToken } from '#platform/errors/api-error.js'
import { nameActor } from '#platform/observability/origin.js'
import { callerAddress } from '#platform/rate-limits/caller-address.js'
import type { FailureLimit } from '#platform/rate-limits/failure-limit.js'
import { RateLimits } from '#platform/rate-limits/rate-limits.js'
import { equalInConstantTime, hashOf } from '#platform/secrets/random.js'
import type { Secret } from '#platform/secrets/secret.js'

/** Lets the operator in: `Authorization: Bearer <one of MANDATE_ADMIN_KEY>`. Without a configured key nobody is let in. */
@Injectable()
export class AdminKeyGuard implements CanActivate {
  readonly #limit: FailureLimit

  constructor(
    @Inject(ADMIN_KEYS) private readonly adminKeys: readonly Secret<string>[],
    limits: RateLimits,
  ) {
    this.#limit = limits.failedAdminKeys
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (this.adminKeys.length === 0) throw closed()
    const { headers, ip } = context.switchToHttp().getRequest<FastifyRequest>()
    const [, presented = ''] = /^bearer +(\S+)$/i.exec(headers.authorization ?? '') ?? []
    const attempt = { address: callerAddress(ip), name: '', secret: presented }
    this.#limit.admit(attempt)
    // `filter`, not `some`: every key is compared, whichever matches.
    const matches = this.adminKeys.filter((key) => equalInConstantTime(presented, key.reveal()))
    if (matches.length === 0) {
      await this.#limit.failed(attempt)
      throw invalidToken('The admin key is missing or wrong: send "Authorization: Bearer <MANDATE_ADMIN_KEY>".')
    }
    this.#limit.succeeded(attempt)
    nameActor(`admin-key:${hashOf(presented).slice(0, 12)}`)
    return true
  }
}

const closed = () =>
  new ApiError({
    code: 'admin_closed',
    status: 403,
    publicText:
      '/admin/v1 is closed, because MANDATE_ADMIN_KEY is not set. Set it to at least 32 characters ' +
      '(for example the output of "openssl rand -hex 32") and start Mandate again.',
  })
