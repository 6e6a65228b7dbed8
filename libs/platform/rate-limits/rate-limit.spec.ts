import { RateLimiterMemory } from 'rate-limiter-flexible'
import { until } from '#platform/testing/until.js'
import { callerAddress } from './caller-address.js'
import { FailureLimit } from './failure-limit.js'
import { RateLimit } from './rate-limit.js'

const limitOf = (points: number, duration = 60) => new RateLimit(new RateLimiterMemory({ points, duration }))
const tooMany = expect.objectContaining({ code: 'too_many_requests' })

describe('a rate limit', () => {
  it('lets so many through in a window, each key for itself', async () => {
    const limit = limitOf(2)
    await limit.count('a')
    await limit.count('a')
    await expect(limit.count('a')).rejects.toEqual(tooMany)
    await limit.count('b')
    await expect(limit.count('b', 'a')).rejects.toEqual(tooMany)
  })

  it('forgets when the window is over', async () => {
    const limit = limitOf(1, 1)
    await limit.count('a')
    expect(() => limit.refuseBlocked('a')).toThrow(tooMany)
    await until('the window to end', () => {
      limit.refuseBlocked('a')
      return true
    })
    await limit.count('a')
  })
})

describe('a limit of failures', () => {
  const attempt = { address: '192.0.2.1', name: 'cli_1', secret: 'wrong' }

  it('refuses before the secret is looked at, whatever it is', async () => {
    const limit = new FailureLimit(limitOf(1), limitOf(10))
    limit.admit(attempt)
    await limit.failed(attempt)
    expect(() => limit.admit(attempt)).toThrow(tooMany)
    expect(() => limit.admit({ ...attempt, secret: 'right' })).toThrow(tooMany)
    expect(() => limit.admit({ ...attempt, name: 'cli_2' })).not.toThrow()
    expect(() => limit.admit({ ...attempt, address: '192.0.2.2' })).not.toThrow()
  })

  it('lets through what has been proven, and under that name alone', async () => {
    const limit = new FailureLimit(limitOf(1), limitOf(1))
    const right = { ...attempt, secret: 'right' }
    limit.succeeded(right)
    await limit.failed(attempt)
    expect(() => limit.admit(right)).not.toThrow()
    expect(() => limit.admit({ ...right, name: 'cli_2' })).toThrow(tooMany)
  })
})

describe('a caller’s address', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::'],
    ['2001:db8:1:2::9', '2001:db8:1:2::'],
    ['', 'unknown'],
    ['nonsense', 'unknown'],
  ])('%s counts as %s', (ip, counted) => {
    expect(callerAddress(ip)).toBe(counted)
  })
})
