import type { ExecutionContext } from '@nestjs/common'
import { ApiError } from '#platform/errors/api-error.js'
import { Secret } from '#platform/secrets/secret.js'
import { AdminKeyGuard } from './admin-key.guard.js'

/** Notes who was looked at. */
class WatchedKey extends Secret<string> {
  looks = 0

  override reveal() {
    this.looks += 1
    return super.reveal()
  }
}

const [OLD, NEW] = ['o'.repeat(32), 'n'.repeat(32)]

const presenting = (authorization?: string) =>
  ({ switchToHttp: () => ({ getRequest: () => ({ headers: { authorization } }) }) }) as ExecutionContext

describe('the admin key', () => {
  it.each([OLD, NEW])('may be any of several: %s', (key) => {
    const guard = new AdminKeyGuard([new Secret(OLD), new Secret(NEW)])
    expect(guard.canActivate(presenting(`Bearer ${key}`))).toBe(true)
  })

  it.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    `Basic ${OLD}`,
    `Bearer ${OLD},${NEW}`,
    `Bearer ${OLD} ${NEW}`,
    `Bearer ${OLD}x`,
    `Bearer ${OLD.slice(1)}`,
  ])('is none of these: %s', (authorization) => {
    const guard = new AdminKeyGuard([new Secret(OLD), new Secret(NEW)])
    expect(() => guard.canActivate(presenting(authorization))).toThrow(ApiError)
  })

  it('is compared with every key there is, whichever matches', () => {
    const keys = [new WatchedKey(OLD), new WatchedKey(NEW)]
    const guard = new AdminKeyGuard(keys)
    guard.canActivate(presenting(`Bearer ${OLD}`))
    expect(() => guard.canActivate(presenting('Bearer wrong'))).toThrow(ApiError)
    expect(keys.map(({ looks }) => looks)).toEqual([2, 2])
  })
})
