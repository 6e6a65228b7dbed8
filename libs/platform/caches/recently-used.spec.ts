import { RecentlyUsed } from './recently-used.js'

const MEGABYTE = 1024 * 1024

const held = () => {
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

describe('what was used recently', () => {
  it('is kept, and what was used longest ago makes room', () => {
    const kept = new RecentlyUsed<number>(2)
    kept.set('a', 1).set('b', 2)
    kept.get('a')
    kept.set('c', 3)
    expect([...kept.keys()].sort()).toEqual(['a', 'c'])
  })

  it('takes no memory before there is any', () => {
    const before = held()
    const kept = new RecentlyUsed<number>(10_000_000, { ttl: 1_000 })
    expect(held() - before).toBeLessThan(10 * MEGABYTE)
    expect(kept.size).toBe(0)
  })
})
