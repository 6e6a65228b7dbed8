import { Secret } from '#platform/secrets/secret.js'
import type { SignIn } from './sign-in.entity.js'
import { cookieName, csrfToken, isCsrfToken } from './sign-in-form.js'

const signIn = { id: 'sig_0123456789abcdef01234567', step: 'choosing', stateHash: null } as SignIn
const cookie = new Secret('my browser')

describe('the cookie of a sign-in', () => {
  it('is one that only our own host can set, where there is TLS', () => {
    expect(cookieName(signIn.id, true)).toBe(`__Host-mandate-${signIn.id}`)
    expect(cookieName(signIn.id, false)).toBe(`mandate-${signIn.id}`)
  })
})

describe('the token of a form', () => {
  const token = csrfToken(cookie, signIn)

  it('is good for this sign-in in this browser', () => {
    expect(isCsrfToken(token, cookie, signIn)).toBe(true)
  })

  it.each<[string, Secret<string>, SignIn]>([
    ['another browser', new Secret('another'), signIn],
    ['another sign-in', cookie, { ...signIn, id: 'sig_0123456789abcdef0123456f' }],
    ['this one after it has left for a provider', cookie, { ...signIn, step: 'away', stateHash: 'one' }],
  ])('is not good for %s', (_whose, hers, other) => {
    expect(isCsrfToken(token, hers, other)).toBe(false)
  })

  it('is another one for each departure', () => {
    const away = { ...signIn, step: 'away', stateHash: 'one' } as SignIn
    expect(isCsrfToken(csrfToken(cookie, away), cookie, { ...away, stateHash: 'two' })).toBe(false)
  })
})
