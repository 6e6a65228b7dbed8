import type { ExecutionContext } from '@nestjs/common'
import { currentOrigin, withOrigin } from '#platform/observability/origin.js'
import type { VerifyUserToken } from '../verify-user-token.js'
import { UserTokenGuard } from './user-token.guard.js'

const USER = { clientId: 'cli_1', userId: 'user-7' }

describe('the door for users of clients', () => {
  const seen: string[] = []
  const verifier = { verify: async (token: string) => seen.push(token) && USER } as unknown as VerifyUserToken
  const guard = new UserTokenGuard(verifier)
  const calling = (headers: object, query = {}) => {
    const getRequest = () => ({ headers, query })
    return guard.canActivate({ switchToHttp: () => ({ getRequest }) } as unknown as ExecutionContext)
  }

  it.each(['Bearer a.b.c', 'bearer a.b.c', 'BEARER  a.b.c'])('reads %j', async (authorization) => {
    seen.length = 0
    expect(await calling({ authorization })).toBe(true)
    expect(seen).toEqual(['a.b.c'])
  })

  it.each<[what: string, headers: object]>([
    ['no header', {}],
    ['another scheme', { authorization: 'Basic a.b.c' }],
    ['a token with a space in it', { authorization: 'Bearer a.b c' }],
    ['a novel', { authorization: `Bearer ${'x'.repeat(8193)}` }],
    ['the token in another header', { 'x-user-token': 'a.b.c' }],
  ])('says what to send to %s, and has nothing verified', async (_what, headers) => {
    seen.length = 0
    await expect(calling(headers, { access_token: 'a.b.c' })).rejects.toMatchObject({
      ...{ code: 'invalid_token', status: 401, publicText: expect.stringContaining('Authorization: Bearer') },
    })
    expect(seen).toEqual([])
  })

  it('has the user stand in the record as the one who did it', async () => {
    const origin = { actor: 'anonymous', address: null, requestId: null }
    await withOrigin(origin, async () => {
      await calling({ authorization: 'Bearer a.b.c' })
      expect(currentOrigin().actor).toBe('user:user-7')
    })
  })
})
