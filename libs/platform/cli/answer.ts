export interface AnswerOptions {
  json?: boolean
}

/** The one place that writes to stdout: the body as one line of JSON, or paragraphs for a person. */
export function answer(options: AnswerOptions, body: object, paragraphs: () => string[]) {
  process.stdout.write(`${options.json ? JSON.stringify(body) : paragraphs().join('\n\n')}\n`)
}

/** Names and values in two columns; a list goes on below its first line. */
export function facts(values: Record<string, string | string[]>): string {
  const width = Math.max(...Object.keys(values).map((name) => name.length)) + 2
  return Object.entries(values)
    .flatMap(([name, value]) => {
      const [first = 'none', ...more] = [value].flat()
      return [`  ${name.padEnd(width)}${first}`, ...more.map((line) => `  ${''.padEnd(width)}${line}`)]
    })
    .join('\n')
}

/** A page of a list, and how to see the next one. */
export const listed = (titles: string[], rows: string[][], nextCursor: string | null, none = 'There are none.') => [
  rows.length === 0 ? none : table(titles, rows),
  ...(nextCursor ? [`There are more: --cursor ${nextCursor}`] : []),
]

export function table(titles: string[], rows: string[][]): string {
  const lines = [titles, ...rows]
  const widths = titles.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)))
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
