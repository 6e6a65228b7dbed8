import { after, Clock, minutes, seconds } from '#platform/clock/clock.js'
import { googleError } from './google/google-errors.js'
import { TokenCache } from './token-cache.js'

class HeldClock extends Clock {
  time = new Date('2026-11-21T10:00:00Z')

  now(): Date {
    return this.time
  }

  pass(milliseconds: number): void {
    this.time = after(this.time, milliseconds)
  }
}

describe('the token cache', () => {
  let clock: HeldClock
  let cache: TokenCache
  let minted: number
  const mint = (lifetimeMs = seconds(3599)) => {
    return async () => {
      minted += 1
      return { token: `token ${minted}`, lifetimeMs }
    }
  }

  beforeEach(() => {
    clock = new HeldClock()
    cache = new TokenCache(clock)
    minted = 0
  })

  it('mints once for all who ask at the same time', async () => {
    const tokens = await Promise.all(Array.from({ length: 64 }, () => cache.get('anna', mint())))
    expect(new Set(tokens)).toEqual(new Set(['token 1']))
    expect(minted).toBe(1)
  })

  it('never gives one key the token of another', async () => {
    expect(await cache.get('anna', mint())).toBe('token 1')
    expect(await cache.get('ben', mint())).toBe('token 2')
    expect(await cache.get('anna', mint())).toBe('token 1')
  })

  it('hands nothing out in the last five minutes of its life', async () => {
    await cache.get('anna', mint(minutes(60)))
    clock.pass(minutes(55) - 1)
    expect(await cache.get('anna', mint())).toBe('token 1')
    clock.pass(2)
    expect(await cache.get('anna', mint())).toBe('token 2')
  })

  it('does not keep what will not live for five minutes', async () => {
    await cache.get('anna', mint(minutes(5)))
    await cache.get('anna', mint(0))
    expect(minted).toBe(2)
  })

  it('does not keep a failure', async () => {
    const refused = googleError('google.subject_not_found')
    await expect(cache.get('anna', () => Promise.reject(refused))).rejects.toBe(refused)
    expect(await cache.get('anna', mint())).toBe('token 1')
  })

  it('uses a fresh token once when the provider rejects the kept one', async () => {
    await cache.get('anna', mint())
    const seen: string[] = []
    const answer = await cache.use('anna', mint(), async (token) => {
      seen.push(token)
      if (token === 'token 1') throw googleError('provider.token_rejected')
      return 'calendar'
    })
    expect([answer, seen]).toEqual(['calendar', ['token 1', 'token 2']])
    expect(await cache.get('anna', mint())).toBe('token 2')
  })

  it('believes a second rejection, and every other refusal at once', async () => {
    const call = (key: 'provider.token_rejected' | 'google.not_found') => {
      return cache.use('anna', mint(), () => Promise.reject(googleError(key)))
    }
    await expect(call('provider.token_rejected')).rejects.toMatchObject({ code: 'provider.token_rejected' })
    expect(minted).toBe(2)
    await expect(call('google.not_found')).rejects.toMatchObject({ code: 'google.not_found' })
    expect(minted).toBe(2)
  })

  it('does not throw away a newer token for an older one’s rejection', async () => {
    await cache.get('anna', mint())
    let rejectFirst = () => {}
    const slow = cache.use('anna', mint(), async (token) => {
      if (token !== 'token 1') return token
      await new Promise<void>((resolve) => {
        rejectFirst = resolve
      })
      throw googleError('provider.token_rejected')
    })
    const quick = await cache.use('anna', mint(), async (token) => {
      if (token === 'token 1') throw googleError('provider.token_rejected')
      return token
    })
    rejectFirst()
    expect([quick, await slow]).toEqual(['token 2', 'token 2'])
    expect(minted).toBe(2)
  })
})
