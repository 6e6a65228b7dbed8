import { generateKeyPairSync } from 'node:crypto'
import { readGivenKeySet, readPublishedKeySet } from './key-set.js'

const publicJwk = (pair: { publicKey: { export(o: { format: 'jwk' }): object } }): Record<string, unknown> => ({
  ...pair.publicKey.export({ format: 'jwk' }),
})
const rsaPair = generateKeyPairSync('rsa', { modulusLength: 2048 })
const rsa = publicJwk(rsaPair)
const ec = publicJwk(generateKeyPairSync('ec', { namedCurve: 'P-256' }))
const privateRsa = rsaPair.privateKey.export({ format: 'jwk' })
const ofBytes = (length: number) => Buffer.alloc(length, 0xff).toString('base64url')

const UNUSABLE: [what: string, key: unknown, problem: RegExp][] = [
  ['nothing', null, /not an object/],
  ['a private key', { ...privateRsa }, /private or secret/],
  ['a shared secret', { kty: 'oct', k: 'c2VjcmV0' }, /private or secret/],
  ['a key of another kind', { kty: 'OKP', crv: 'Ed25519', x: ofBytes(32) }, /kty RSA or EC/],
  ['a short RSA key', { ...rsa, n: ofBytes(128) }, /2048 to 8192/],
  ['an RSA key that holds a thread', { ...rsa, n: ofBytes(2048) }, /2048 to 8192/],
  ['an RSA exponent that holds a thread', { ...rsa, e: ofBytes(256) }, /64 bits/],
  ['a key without numbers', { kty: 'RSA' }, /2048 to 8192/],
  ['another curve', publicJwk(generateKeyPairSync('ec', { namedCurve: 'P-384' })), /P-256/],
  ['a point that is not on its curve', { ...ec, x: ofBytes(32) }, /not a valid key/],
  ['a key for encryption', { ...rsa, use: 'enc' }, /use must be "sig"/],
  ['an algorithm of the other kind', { ...rsa, alg: 'ES256' }, /alg RS256 or PS256/],
  ['a symmetric algorithm', { ...rsa, alg: 'HS256' }, /alg RS256 or PS256/],
  ['a kid that is a number', { ...rsa, kid: 7 }, /kid/],
  ['a kid that PostgreSQL cannot hold', { ...rsa, kid: 'a\0b' }, /NUL/],
  ['half a character', { ...rsa, kid: 'a\ud800' }, /broken Unicode/],
  ['other operations', { ...rsa, key_ops: ['encrypt'] }, /key_ops/],
]

describe('a key set', () => {
  it('is taken as its operator gives it, without what does not belong to a public key', () => {
    const given = readGivenKeySet({
      keys: [
        { ...rsa, kid: 'a', x5c: ['…'], ext: true },
        { ...ec, kid: 'b', alg: 'ES256' },
      ],
    })
    expect(given).toEqual({
      keys: [
        { ...rsa, kid: 'a' },
        { ...ec, kid: 'b', alg: 'ES256' },
      ],
    })
  })

  it.each(UNUSABLE)('with %s is refused with the reason', (_what, key, problem) => {
    const read = readGivenKeySet({ keys: [{ ...ec, kid: 'good' }, key] })
    expect(read).toEqual({ problem: expect.stringMatching(/keys\[1\]/) })
    expect((read as { problem: string }).problem).toMatch(problem)
  })

  it.each(UNUSABLE)('that a client publishes may hold %s, which is passed over', (_what, key) => {
    const published = readPublishedKeySet({ keys: [{ ...ec, kid: 'good' }, key] })
    expect(published?.keys).toEqual([{ ...ec, kid: 'good' }])
    expect(published?.names('good')).toBe(true)
    expect(published?.names('another')).toBe(false)
  })

  it.each([
    ['several keys without names', [rsa, ec]],
    [
      'one name for two keys',
      [
        { ...rsa, kid: 'a' },
        { ...ec, kid: 'a' },
      ],
    ],
  ])('with %s is refused: a token could not say which', (_what, keys) => {
    expect(readGivenKeySet({ keys })).toEqual({ problem: expect.stringContaining('kid') })
  })

  it.each([null, 7, 'text', [], {}, { keys: {} }, { keys: [] }, { keys: Array(21).fill(rsa) }])(
    'is not %j',
    (given) => {
      expect(readGivenKeySet(given)).toHaveProperty('problem')
    },
  )
})
