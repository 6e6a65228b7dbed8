import { type CanActivate, createParamDecorator, type ExecutionContext, Injectable } from '@nestjs/common'
import type { FastifyRequest } from 'fastify'
import { Database } from '#platform/database/database.js'
import type { Lookup } from '#platform/database/statement.js'
import { invalidToken } from '#platform/errors/api-error.js'
import { nameActor } from '#platform/observability/origin.js'
import type { Grant } from '../grant.entity.js'
import { FIND_ACCESS_TOKEN, type FoundAccessToken } from '../token-statements.js'
import { Tokens } from '../tokens.js'

const grants = new WeakMap<FastifyRequest, Grant>()

/**
 * Lets a request through that bears a live access token (RFC 6750 section 2.1: the header, never the query). Who wants to know
 * more of its grant asks by a lookup of its own, in the same statement.
 */
@Injectable()
export class AccessTokenGuard implements CanActivate {
  protected readonly lookup: Lookup<FoundAccessToken> = FIND_ACCESS_TOKEN

  constructor(
    private readonly database: Database,
    private readonly tokens: Tokens,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest>()
    const [, token] = /^bearer +([\w-]{1,128})$/i.exec(request.headers.authorization ?? '') ?? []
    const grant = token && (await this.tokens.findByAccessToken(this.database.lookUp, this.lookup, token))
    if (!grant) throw invalidToken()
    grants.set(request, grant)
    nameActor(`client:${grant.clientId}`)
    return true
  }
}

/** The grant that the guard found, with what was looked up beside it. */
export const CallerGrant = createParamDecorator((_data: unknown, context: ExecutionContext): Grant => {
  const grant = grants.get(context.switchToHttp().getRequest<FastifyRequest>())
  if (!grant) throw new Error('@CallerGrant() needs AccessTokenGuard on the route')
  return grant
})
