import { isCodeChallenge, isCodeVerifier, proofKeyProblem } from './proof-key.js'

/** RFC 7636, appendix B. */
const VERIFIER = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'

describe('a code verifier', () => {
  it.each([VERIFIER, 'a'.repeat(43), 'a'.repeat(128), '-._~'.repeat(11)])('may be %s', (text) => {
    expect(isCodeVerifier(text)).toBe(true)
  })

  it.each([
    '',
    'a'.repeat(42),
    'a'.repeat(129),
    `${VERIFIER}=`,
    `${VERIFIER}+`,
    `${VERIFIER} `,
    `${VERIFIER}\n`,
    `${'a'.repeat(43)}é`,
  ])('may not be %j', (text) => {
    expect(isCodeVerifier(text)).toBe(false)
  })

  it('proves itself to its own challenge alone', () => {
    expect(proofKeyProblem(CHALLENGE, VERIFIER)).toBeNull()
    expect(proofKeyProblem(CHALLENGE, VERIFIER.toLowerCase())).toContain('does not match')
    // What the method `plain` would have taken.
    expect(proofKeyProblem(CHALLENGE, CHALLENGE)).toContain('does not match')
  })

  it('is asked for exactly where a challenge was sent', () => {
    expect(proofKeyProblem(null, undefined)).toBeNull()
    expect(proofKeyProblem(CHALLENGE, undefined)).toContain('missing')
    expect(proofKeyProblem(null, VERIFIER)).toContain('without code_challenge')
  })
})

describe('a code challenge', () => {
  it('has the shape of an S256 digest', () => {
    expect(isCodeChallenge(CHALLENGE)).toBe(true)
    for (const text of [CHALLENGE.slice(1), `${CHALLENGE}A`, `${CHALLENGE.slice(1)}=`, `${CHALLENGE.slice(1)}~`])
      expect(isCodeChallenge(text)).toBe(false)
  })
})
