import type { Verdict } from './checker.js'

/** One fault at one store, and what came of it. */
export interface Line {
  queue: string
  fault: string
  seconds: number
  verdict: Verdict
}

/** What each number counts, in the order of the table. */
const COUNTED: Record<keyof Verdict['counts'], string> = {
  accepted: 'requests for a mailbox that were answered with 202',
  told: 'of these, those whose callback its receiver took (2xx)',
  denied: 'of these, those that the provider refused: some of the mailboxes that are asked for are suspended',
  exchanged: 'codes that were turned into tokens',
  again:
    'callbacks that came once more after one was taken: what was in hand at a death may, under the same webhook-id',
  lost: 'requests that never came to an end, or nobody was told of, or that the audit lacks: 0, or it is a bug',
  doubled:
    'two outcomes, two codes that worked, one code twice, or more told again than was in hand: 0, or it is a bug',
  forged: 'callbacks that nobody asked for, or whose signature or state is wrong; a broken audit: 0, or it is a bug',
  crossed: 'callbacks or mailboxes of one tenant that came to the other: 0, or it is a bug',
}
const NAMES = Object.keys(COUNTED) as (keyof Verdict['counts'])[]

/** For whoever reads the table without the code beside it. */
export const LEGEND = [
  's          seconds until everything had come to rest',
  ...NAMES.map((name) => `${name.padEnd(11)}${COUNTED[name]}`),
].join('\n')

export function asTable(lines: readonly Line[]): string {
  const rows = lines.map(({ queue, fault, seconds, verdict }) => [
    ...[queue, fault, String(seconds)],
    ...NAMES.map((name) => String(verdict.counts[name])),
  ])
  const titles = ['queue', 'fault', 's', ...NAMES]
  const widths = titles.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)))
  const line = (cells: string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd()
  return `${[titles, widths.map((width) => '-'.repeat(width)), ...rows].map(line).join('\n')}\n`
}

/** What was promised and not kept, and in a sentence whether anything was. */
export function asFindings(lines: readonly Line[], most = 50): string {
  const broken = lines.flatMap(({ queue, fault, verdict }) =>
    verdict.findings.map(({ invariant, id, what }) => `${queue}, ${fault}: ${invariant} ${id}: ${what}`),
  )
  if (lines.length === 0) return 'No fault has that name, or its store is not here: nothing was tried.\n'
  if (broken.length === 0) return 'No promise was broken.\n'
  return `${broken.length} promises were broken:\n${broken.slice(0, most).join('\n')}\n`
}
