/**
 * Text that comes from outside and will stand on a page that people trust. Preact escapes it; this file makes it behave:
 * no controls, no direction overrides, no invisible padding, no towers of combining marks, and an end.
 */

const LONGEST_NAME = 80

/** Letters by category, blanks to the eye (Hangul fillers, the empty Braille cell). */
const BLANK_LETTERS = /[\u115f\u1160\u2800\u3164\uffa0]/gu
const LINE_OR_CONTROL = /[\p{Cc}\p{Zl}\p{Zp}\p{Zs}]/gu
/** Formats (bidi overrides, zero-width), private use, lone surrogates, unassigned. */
const NOT_TEXT = /[\p{Cf}\p{Co}\p{Cs}\p{Cn}]/gu
const TOWER_OF_MARKS = /(\p{M}{2})\p{M}+/gu

const FIRST_STRONG_ISOLATE = '\u2068'
const POP_ISOLATE = '\u2069'

/** One line of `text`, at most `longest` characters as a reader counts them, and empty when nothing readable is left. */
export function oneLine(text: string, longest = LONGEST_NAME): string {
  const readable = text
    .normalize('NFC')
    .replace(LINE_OR_CONTROL, ' ')
    .replace(BLANK_LETTERS, ' ')
    .replace(NOT_TEXT, '')
    .replace(TOWER_OF_MARKS, '$1')
    .replace(/ +/g, ' ')
    .trim()
  return cut(readable, longest)
}

function cut(text: string, longest: number): string {
  if (text.length <= longest) return text
  const characters = [...new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(text)]
  if (characters.length <= longest) return text
  const kept = characters.slice(0, longest - 1).map(({ segment }) => segment)
  return `${kept.join('').trimEnd()}…`
}

/** A name that may be put into a sentence: right-to-left letters in it do not turn the words around it. */
export function nameInSentence(name: string): string {
  const readable = oneLine(name)
  return /^[\x20-\x7e…]*$/.test(readable) ? readable : FIRST_STRONG_ISOLATE + readable + POP_ISOLATE
}
