import { CryptoRandom, newBearer } from './random.js'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const COUNT = 10_000
/** Of 63 degrees of freedom: once in some 10^15 honest draws. */
const CHI_SQUARE_LIMIT = 200

describe('a code or token', () => {
  const random = new CryptoRandom()
  const values = Array.from({ length: COUNT }, () => newBearer(random))

  it('has 32 URL-safe characters and is never the same', () => {
    expect(values.filter((value) => !/^[\w-]{32}$/.test(value))).toEqual([])
    expect(new Set(values.map((value) => value.slice(0, 16))).size).toBe(COUNT)
  })

  it('favours no character at any place', () => {
    const expected = COUNT / ALPHABET.length
    for (let place = 0; place < 32; place++) {
      const counts = new Map<string, number>()
      for (const value of values) counts.set(value[place]!, (counts.get(value[place]!) ?? 0) + 1)
      const chiSquare = [...ALPHABET]
        .map((character) => ((counts.get(character) ?? 0) - expected) ** 2 / expected)
        .reduce((sum, term) => sum + term)
      expect(chiSquare).toBeLessThan(CHI_SQUARE_LIMIT)
    }
  })
})
