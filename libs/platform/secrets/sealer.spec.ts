import { Sealer } from './sealer.js'
import { parseSealingKeys } from './sealing-keys.js'
import { Secret } from './secret.js'

const keyOf = (id: string, byte: number) => `${id}:${Buffer.alloc(32, byte).toString('base64')}`
const place = { table: 'clients', column: 'sealed_signing_secret', row: 'cli_1', client: 'cli_1' }

describe('a sealed value', () => {
  const sealer = new Sealer(parseSealingKeys(keyOf('k1', 1)))
  const sealed = sealer.seal(new Secret('whsec_value'), place)

  it('opens where it was sealed', () => {
    expect(sealer.open(sealed, place).reveal()).toBe('whsec_value')
  })

  it('is different every time', () => {
    expect(sealer.seal(new Secret('whsec_value'), place)).not.toBe(sealed)
  })

  it.each(['table', 'column', 'row', 'client'] as const)('does not open when it is moved to another %s', (part) => {
    expect(() => sealer.open(sealed, { ...place, [part]: 'another' })).toThrow('does not open')
  })

  it('does not open when a byte was changed', () => {
    const bytes = Buffer.from(sealed.split('.')[2]!, 'base64url')
    bytes[bytes.length - 1]! ^= 1
    expect(() => sealer.open(`v1.k1.${bytes.toString('base64url')}`, place)).toThrow('does not open')
  })

  it('opens with an older key while a newer one seals', () => {
    const rotated = new Sealer(parseSealingKeys(`${keyOf('k2', 2)},${keyOf('k1', 1)}`))

    expect(rotated.open(sealed, place).reveal()).toBe('whsec_value')
    expect(rotated.seal(new Secret('x'), place)).toMatch(/^v1\.k2\./)
  })

  it('names the key that is missing', () => {
    const other = new Sealer(parseSealingKeys(keyOf('k9', 9)))
    expect(() => other.open(sealed, place)).toThrow('no key opens clients.sealed_signing_secret (sealed with "k1")')
  })
})

describe('sealing keys', () => {
  it.each([
    ['k1', 'key 1 must have the form id:base64'],
    [`k1:${Buffer.alloc(16).toString('base64')}`, 'key 1 has 16 bytes and must have 32'],
    [`${keyOf('k1', 1)},${keyOf('k1', 2)}`, 'key 2 has the id of another one'],
  ])('refuse %s without showing any of it', (text, problem) => {
    expect(() => parseSealingKeys(text)).toThrow(problem)
  })
})
