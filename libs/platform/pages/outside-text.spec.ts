import fc from 'fast-check'
import { hostOf } from './asker.js'
import { nameInSentence, oneLine } from './outside-text.js'

describe('text from outside', () => {
  it.each([
    ['an ordinary name', 'Acme Scheduler', 'Acme Scheduler'],
    ['accents and other scripts', 'Zürich 会議 Überblick', 'Zürich 会議 Überblick'],
    ['decomposed accents', 'Zu\u0308rich', 'Zürich'],
    ['line breaks and tabs', 'Acme\r\nAllow\t\u2028now', 'Acme Allow now'],
    ['controls', 'A\0c\u0007m\u001b[31me', 'A c m [31me'],
    ['direction overrides', 'Acme\u202egoogle.com', 'Acmegoogle.com'],
    ['isolates left open', '\u2066Acme', 'Acme'],
    ['zero-width characters', 'A\u200bc\u200dm\ufeffe', 'Acme'],
    ['padding of blanks', 'Acme\u3000\u3164\u2800\u00a0   Corp', 'Acme Corp'],
    ['private-use characters', 'Acme\ue000', 'Acme'],
    ['lone surrogates', 'Acme\ud800', 'Acme'],
    ['towers of marks', `A${'\u0301'.repeat(40)}`, 'Á\u0301\u0301'],
    ['nothing readable', '\u200b\u202e \u3164', ''],
  ])('with %s becomes one readable line', (_case, text, shown) => {
    expect(oneLine(text)).toBe(shown)
  })

  it('is cut by characters as a reader counts them', () => {
    expect(oneLine('x'.repeat(80))).toBe('x'.repeat(80))
    expect(oneLine('x'.repeat(81))).toBe(`${'x'.repeat(79)}…`)
    const families = '👨‍👩‍👧'.repeat(100)
    expect([...oneLine(families, 5)].at(-1)).toBe('…')
  })

  it('never brings controls, direction marks or new lines onto a page', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        expect(oneLine(text)).toMatch(/^[^\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]*$/u)
        expect([...new Intl.Segmenter('en').segment(oneLine(text))].length).toBeLessThanOrEqual(80)
      }),
      { numRuns: 1000 },
    )
  })

  it('keeps right-to-left names from turning the sentence around them', () => {
    expect(nameInSentence('שלום')).toBe('\u2068שלום\u2069')
    expect(nameInSentence('Acme')).toBe('Acme')
  })
})

describe('the host of a redirect URI', () => {
  it.each([
    ['https://app.acme.test/connected', 'app.acme.test', null],
    ['https://app.acme.test:8443/', 'app.acme.test:8443', null],
    ['http://127.0.0.1:9083/x', '127.0.0.1:9083', null],
    ['http://[::1]:9083/x', '[::1]:9083', null],
    ['https://xn--mnchen-3ya.example:8443/x', 'münchen.example:8443', 'xn--mnchen-3ya.example:8443'],
    // Cyrillic letters that look like Latin ones: the second form gives them away.
    ['https://xn--80ak6aa92e.com/', 'аррӏе.com', 'xn--80ak6aa92e.com'],
  ])('%s is shown as %s (%s)', (uri, readable, punycode) => {
    expect(hostOf(uri)).toEqual({ readable, punycode })
  })
})
