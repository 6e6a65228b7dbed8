import { VARIABLES } from './variables.js'

const INTRODUCTION = `# Configuration

<!-- Written by \`npm run docs\` from libs/platform/config/variables.ts: change it there. -->

Environment variables, read once when a process starts, and nothing else: there is no configuration file. A variable that is
empty counts as not set. When something is wrong the process does not start, and says every problem at once, by variable and
rule, never by value.

\`npm start\` needs none of these. The processes \`npm run start:api\` and \`npm run start:worker\` share what they keep, so
they require \`DATABASE_URL\`, \`MANDATE_ENCRYPTION_KEYS\` and \`MANDATE_ADMIN_KEY\`, the same for all of them. The CLI works
on \`DATABASE_URL\` with the same \`MANDATE_ENCRYPTION_KEYS\`, or on \`MANDATE_DATA_DIR\`.

`

/** Every setting in one Markdown table, in the order of the source. */
function referenceTable(): string {
  const rows = Object.entries(VARIABLES).map(([name, variable]) => {
    const meaning = 'secret' in variable ? `${variable.meaning} Secret.` : variable.meaning
    return row(`\`${name}\``, meaning, variable.defaultText)
  })
  return [row('variable', 'meaning', 'default'), row('---', '---', '---'), ...rows].join('\n')
}

/** What docs/configuration.md holds. */
export const referencePage = () => `${INTRODUCTION}${referenceTable()}\n`

const BEGIN = '<!-- configuration: written by `npm run docs` -->'
const END = '<!-- end of configuration -->'

/** The README with today's table between its two marks. @throws Error when it has no such marks */
export function withReferenceTable(readme: string): string {
  const [before, rest] = readme.split(BEGIN)
  const [, after] = rest?.split(END) ?? []
  if (before === undefined || after === undefined) throw new Error(`README.md needs the lines ${BEGIN} and ${END}`)
  return `${before}${BEGIN}\n\n${referenceTable()}\n\n${END}${after}`
}

const row = (...cells: string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
