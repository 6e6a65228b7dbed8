import { type CanActivate, createParamDecorator, type ExecutionContext, Injectable } from '@nestjs/common'
import type { FastifyRequest } from 'fastify'
import { invalidToken } from '#platform/errors/api-error.js'
import { nameActor } from '#platform/observability/origin.js'
import { type CallerUser as User, VerifyUserToken } from '../verify-user-token.js'

const users = new WeakMap<FastifyRequest, User>()

/** Lets a request through that a client makes on behalf of one of its users (RFC 6750 section 2.1: the header, never the query). */
@Injectable()
export class UserTokenGuard implements CanActivate {
  constructor(private readonly verifyUserToken: VerifyUserToken) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest>()
    const [, token] = /^bearer +([\w.-]{1,8192})$/i.exec(request.headers.authorization ?? '') ?? []
    if (!token)
      throw invalidToken('Send "Authorization: Bearer <user token>": a JWT that the client signs for its user.')
    const user = await this.verifyUserToken.verify(token)
    users.set(request, user)
    nameActor(`user:${user.userId}`)
    return true
  }
}

/** The user that the guard found, and whose. */
export const CallerUser = createParamDecorator((_data: unknown, context: ExecutionContext): User => {
  const user = users.get(context.switchToHttp().getRequest<FastifyRequest>())
  if (!user) throw new Error('@CallerUser() needs UserTokenGuard on the route')
  return user
})
