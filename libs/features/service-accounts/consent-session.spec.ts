import { hashOf } from '#platform/secrets/random.js'
import { Secret } from '#platform/secrets/secret.js'
import { cookieName, csrfToken, isBrowserOf, revisionOf, surplusCookies } from './consent-session.js'

const consent = { id: 'con_0123456789abcdef01234567', revision: 3 }
const cookie = new Secret('my browser')

describe('the cookie of a consent', () => {
  it('is one that only our own host can set, where there is TLS', () => {
    expect(cookieName(consent.id, true)).toBe(`__Host-mandate-${consent.id}`)
    expect(cookieName(consent.id, false)).toBe(`mandate-${consent.id}`)
  })

  it('is kept as a hash', () => {
    expect(isBrowserOf({ cookieHash: hashOf('my browser') }, 'my browser')).toBe(true)
    expect(isBrowserOf({ cookieHash: hashOf('my browser') }, 'another')).toBe(false)
    expect(isBrowserOf({ cookieHash: 'my browser' }, 'my browser')).toBe(false)
  })

  it('leaves room for seven others, the oldest of which go first', () => {
    const names = Array.from({ length: 9 }, (_, index) => `__Host-mandate-con_${index}`)
    expect(surplusCookies(['session', ...names])).toEqual(names.slice(0, 2))
    expect(surplusCookies(names.slice(0, 7))).toEqual([])
  })
})

describe('the token of a form', () => {
  it('says at which revision our own page was made', () => {
    expect(revisionOf(csrfToken(cookie, consent), cookie, consent.id)).toBe(3)
  })

  it.each([
    ['another browser', csrfToken(new Secret('another'), consent)],
    ['another consent', csrfToken(cookie, { ...consent, id: 'con_ffffffffffffffffffffffff' })],
    ['another revision', csrfToken(cookie, consent).replace(/^3/, '4')],
    ['nobody', ''],
    ['somebody guessing', `3.${'A'.repeat(43)}`],
    ['somebody verbose', `${csrfToken(cookie, consent)}.`],
  ])('made for %s counts for nothing', (_case, token) => {
    expect(revisionOf(token, cookie, consent.id)).toBeNull()
  })
})
