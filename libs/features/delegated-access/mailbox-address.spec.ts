import fc from 'fast-check'
import { canonicalAddress } from './mailbox-address.js'

const ANNA = 'anna@acme.test'

describe('the address of a mailbox', () => {
  it.each([
    ['anna@acme.test', ANNA],
    ['ANNA@Acme.TEST', ANNA],
    ['anna@acme。test', ANNA],
    ['anna@ａｃｍｅ.test', ANNA],
    ["o'neill+calendar@acme.test", "o'neill+calendar@acme.test"],
    ['anna@münchen.test', 'anna@xn--mnchen-3ya.test'],
    ['anna@MÜNCHEN.test', 'anna@xn--mnchen-3ya.test'],
    ['anna@mu\u0308nchen.test', 'anna@xn--mnchen-3ya.test'],
    ['anna@xn--mnchen-3ya.test', 'anna@xn--mnchen-3ya.test'],
    [`${'a'.repeat(64)}@acme.test`, `${'a'.repeat(64)}@acme.test`],
  ])('%j has one spelling: %s', (text, canonical) => {
    expect(canonicalAddress(text)).toBe(canonical)
  })

  it.each([
    ['a look-alike domain', 'anna@аcme.test'],
    ['a domain with the Turkish İ', 'anna@acme.İt'],
    ['a domain behind ours', 'anna@acme.test.evil.test'],
  ])('is not made ours by %s', (_what, text) => {
    expect(canonicalAddress(text)).not.toBe(ANNA)
  })

  it.each<[what: string, ...texts: string[]]>([
    ['letters that fold to ASCII', '\u212aate@acme.test', 'İda@acme.test', 'ıda@acme.test', 'ａnna@acme.test'],
    ['letters outside ASCII before the @', 'аnna@acme.test', 'änna@acme.test'],
    [
      'invisible characters',
      'an\u200dna@acme.test',
      'anna@ac\u200dme.test',
      'anna@ac\u200bme.test',
      'anna@ac\u00adme.test',
    ],
    ['direction marks', '\u202eanna@acme.test', 'anna@acme.test\u202c'],
    ['line ends', 'anna@acme.test\n', 'anna@acme.test\r\n', 'anna@evil.test\nanna@acme.test', 'an\r\nna@acme.test'],
    [
      'tabs, spaces and controls',
      'anna@ac\tme.test',
      ' anna@acme.test',
      'anna@acme.test ',
      'anna@acme.test\0',
      'an na@acme.test',
    ],
    [
      'what a URL would end or decode',
      'anna@acme.test/x',
      'anna@acme.test?x',
      'anna@acme.test#x',
      'anna@acme.test\\x',
      'anna@%61cme.test',
      'anna@acme.test:25',
    ],
    [
      'quotes, comments, names',
      '"anna"@acme.test',
      'anna(x)@acme.test',
      'Anna <anna@acme.test>',
      'mailto:anna@acme.test',
    ],
    ['several in one', 'anna@acme.test,ben@acme.test', 'anna@acme.test;ben@acme.test', 'anna@evil.test@acme.test'],
    [
      'dots out of place',
      '.anna@acme.test',
      'anna.@acme.test',
      'an..na@acme.test',
      'anna@.test',
      'anna@acme..test',
      'anna@acme.test.',
    ],
    [
      'no domain of the DNS',
      'anna',
      'anna@',
      '@acme.test',
      'anna@acme',
      'anna@127.0.0.1',
      'anna@[127.0.0.1]',
      'anna@-acme.test',
    ],
    [
      'parts that are too long',
      `${'a'.repeat(65)}@acme.test`,
      `anna@${'a'.repeat(64)}.test`,
      `anna@${'a.'.repeat(125)}test`,
    ],
    ['nothing', '', ' '],
  ])('is refused with %s', (_what, ...texts) => {
    expect(texts.filter((text) => canonicalAddress(text) !== null)).toEqual([])
  })

  it('is its own only spelling, and plain ASCII, whatever it was made of', () => {
    const near = fc.tuple(
      fc.string({ unit: fc.oneof(fc.constantFrom(...'aZ.0@-'), fc.string({ unit: 'binary', maxLength: 1 })) }),
      fc.constantFrom('@acme.test', '@münchen.test', ''),
    )
    fc.assert(
      fc.property(near, ([text, end]) => {
        const address = canonicalAddress(text + end)
        if (address === null) return
        expect(address).toMatch(/^[!-?A-~]+@[a-z0-9.-]+$/)
        expect(canonicalAddress(address)).toBe(address)
      }),
      { numRuns: 1000 },
    )
  })
})
