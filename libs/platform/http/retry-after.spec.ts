import { retryAfterSeconds } from './retry-after.js'

describe('Retry-After', () => {
  const now = new Date('2026-11-21T10:00:00Z')

  it.each([
    ['120', 120],
    [' 7 ', 7],
    ['0', 1],
    ['86400', 3600],
    ['Sat, 21 Nov 2026 10:01:30 GMT', 90],
    ['Sat, 21 Nov 2026 09:00:00 GMT', 1],
    ['Sun, 22 Nov 2026 10:00:00 GMT', 3600],
  ])('reads %s as %d seconds', (header, seconds) => {
    expect(retryAfterSeconds(header, now)).toBe(seconds)
  })

  it.each([undefined, null, '', 'soon'])('has nothing to say about %p', (header) => {
    expect(retryAfterSeconds(header, now)).toBeUndefined()
  })
})
