import type { ExecutionContext } from '@nestjs/common'
import { RateLimiterMemory } from 'rate-limiter-flexible'
import { ApiError } from '#platform/errors/api-error.js'
import { FailureLimit } from '#platform/rate-limits/failure-limit.js'
import { RateLimit } from '#platform/rate-limits/rate-limit.js'
import type { RateLimits } from '#platform/rate-limits/rate-limits.js'
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
  ({
    switchToHttp: () => ({ getRequest: () => ({ ip: '192.0.2.1', headers: { authorization } }) }),
  }) as ExecutionContext

const limits = () => {
  const limit = () => new RateLimit(new RateLimiterMemory({ points: 100, duration: 60 }))
  return { failedAdminKeys: new FailureLimit(limit(), limit()) } as RateLimits
}

describe('the admin key', () => {
  it.each([OLD, NEW])('may be any of several: %s', async (key) => {
    const guard = new AdminKeyGuard([new Secret(OLD), new Secret(NEW)], limits())
    expect(await guard.canActivate(presenting(`Bearer ${key}`))).toBe(true)
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
  ])('is none of these: %s', async (authorization) => {
    const guard = new AdminKeyGuard([new Secret(OLD), new Secret(NEW)], limits())
    await expect(guard.canActivate(presenting(authorization))).rejects.toThrow(ApiError)
  })

  it('is compared with every key there is, whichever matches', async () => {
    const keys = [new WatchedKey(OLD), new WatchedKey(NEW)]
    const guard = new AdminKeyGuard(keys, limits())
    await guard.canActivate(presenting(`Bearer ${OLD}`))
    await expect(guard.canActivate(presenting('Bearer wrong'))).rejects.toThrow(ApiError)
    expect(keys.map(({ looks }) => looks)).toEqual([2, 2])
  })
})
