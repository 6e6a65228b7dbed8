import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openEmbeddedPostgres } from '#platform/database/embedded-postgres.js'
import { migrate } from '#platform/database/migrate.js'
import { coldStart, type Findings } from './cold-start.js'
import { Started } from './started.js'

const { values } = parseArgs({
  options: {
    workers: { type: 'string', default: '3' },
    mailboxes: { type: 'string', default: '10000' },
    rate: { type: 'string', default: '500' },
    thinks: { type: 'string', default: '15' },
  },
})
const plan = {
  workers: Number(values.workers),
  google: Number(values.mailboxes),
  microsoft: 500,
  mintsPerSecond: Number(values.rate),
  thinksMs: Number(values.thinks) * 1000,
  timeoutSeconds: Number(values.thinks) + 5,
}

const started = new Started((line) => void process.stderr.write(`${line}\n`))
// The run that is under way would wait for workers that have been ended.
started.endOn(process, (exitCode) => process.exit(exitCode))
try {
  const directory = await mkdtemp(join(tmpdir(), 'mandate-cold-start-'))
  started.add(() => rm(directory, { recursive: true, force: true }))
  await chmod(directory, 0o711)
  const postgres = await openEmbeddedPostgres({ dataDirectory: directory, log: () => {} })
  started.add(() => postgres.stop())
  await migrate(postgres.url)
  const findings = await coldStart(postgres.url, plan)
  process.stdout.write(asText(findings))
  process.exitCode = problemsOf(findings).length > 0 ? 1 : 0
} finally {
  await started.endAll()
}

function problemsOf({ granted, denied, googleCalls, microsoftCalls }: Findings): string[] {
  const allowed = plan.mintsPerSecond * 0.8
  const minted = googleCalls.filter(({ status }) => status === 200).map(({ subject }) => subject)
  const twice = minted.length - new Set(minted).size
  const early = googleCalls.filter(({ at }, n) => at < (n * 1000) / allowed - 10).length
  return [
    ...(granted === plan.google + plan.microsoft ? [] : [`${granted} granted, ${denied} denied`]),
    ...(twice === 0 ? [] : [`${twice} tokens minted twice`]),
    ...(early === 0 ? [] : [`${early} calls before their time`]),
    ...(microsoftCalls === 1 ? [] : [`${microsoftCalls} calls for Microsoft's one token`]),
  ]
}

/** Who asked more than once, and what each of these calls came to: a call that failed is made again. */
function beyondOneEach(calls: Findings['googleCalls']): string[] {
  const repeated = [...Map.groupBy(calls, ({ subject }) => subject).values()].filter(({ length }) => length > 1)
  const extra = repeated.reduce((sum, { length }) => sum + length - 1, 0)
  const histories = Map.groupBy(repeated, (of) => of.map(({ status }) => status ?? 'no answer').join(', then '))
  return [
    `beyond one for each mailbox    ${extra}`,
    ...[...histories].map(([history, of]) => `  ${of.length} mailboxes: ${history}; ${gapsOf(of)} between them`),
  ]
}

function gapsOf(repeated: Findings['googleCalls'][]): string {
  const gaps = repeated.map((of) => of.at(-1)!.at - of[0]!.at).sort((a, b) => a - b)
  return `${(gaps[0]! / 1000).toFixed(1)} to ${(gaps.at(-1)! / 1000).toFixed(1)} s`
}

function asText(findings: Findings): string {
  const { granted, denied, googleCalls, microsoftCalls, seconds } = findings
  const perSecond = Map.groupBy(googleCalls, ({ at }) => Math.floor(at / 1000))
  const most = Math.max(...[...perSecond.values()].map((calls) => calls.length))
  return [
    `workers                        ${plan.workers}`,
    `mailboxes                      ${plan.google} at Google, ${plan.microsoft} at Microsoft`,
    `granted, denied                ${granted}, ${denied}`,
    `calls for tokens at Google     ${googleCalls.length}, at most ${most} in a second; allowed ${plan.mintsPerSecond * 0.8}`,
    ...beyondOneEach(googleCalls),
    `calls for tokens at Microsoft  ${microsoftCalls}, which took ${plan.thinksMs / 1000} s`,
    `seconds                        ${seconds.toFixed(1)}`,
    ...problemsOf(findings).map((problem) => `WRONG: ${problem}`),
    '',
  ].join('\n')
}
