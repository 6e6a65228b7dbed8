import { createPublicKey, verify } from 'node:crypto'
import { parseMasterKeys } from './parse-master-keys.js'
import { Signer } from './signer.js'

const keyOf = (id: string, byte: number) => `${id}:${Buffer.alloc(32, byte).toString('base64')}`
const signerOf = (...keys: string[]) => new Signer(parseMasterKeys(keys.join(',')).keys!)

describe('a signature', () => {
  const signer = signerOf(keyOf('k1', 1))
  const signature = signer.sign('a head')

  it('is genuine for its text and for no other', () => {
    expect(signer.check('a head', signature)).toBe('genuine')
    expect(signer.check('another head', signature)).toBe('forged')
  })

  it.each(['', 'v1.k1.', 'v1.k1.AAAA', 'v2.k1.AAAA'])('is not "%s"', (text) => {
    expect(signer.check('a head', text)).toBe('forged')
  })

  it('can be checked by anybody who has the public key', () => {
    const bytes = Buffer.from(signature.split('.')[2]!, 'base64url')
    expect(verify(null, Buffer.from('a head'), createPublicKey(signer.publicKey()), bytes)).toBe(true)
  })

  it('by an older key is genuine while that key is configured, and of an unknown key afterwards', () => {
    const rotated = signerOf(keyOf('k2', 2), keyOf('k1', 1))
    expect(rotated.check('a head', signature)).toBe('genuine')
    expect(rotated.isByNewestKey(signature)).toBe(false)
    expect(rotated.sign('x')).toMatch(/^v1\.k2\./)
    expect(signerOf(keyOf('k2', 2)).check('a head', signature)).toBe('unknown key')
  })

  it('by another key under the same id is forged', () => {
    expect(signerOf(keyOf('k1', 3)).check('a head', signature)).toBe('forged')
  })
})
