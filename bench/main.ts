import { parseArgs } from 'node:util'
import { backlog } from './backlog.js'
import { callbacks } from './callbacks.js'
import { fairShare } from './fair-share.js'
import { openGround } from './ground.js'
import { growth } from './growth.js'
import { proxiedGet } from './proxied-get.js'
import { revocation } from './revocation.js'
import { routes } from './routes.js'
import { asTable, type Result, type Scenario } from './scenario.js'
import { slowHost } from './slow-host.js'
import { startUp } from './start-up.js'
import { warmTokens } from './warm-tokens.js'

const SCENARIOS: Scenario[] = [
  ...[callbacks('redis'), callbacks('postgres')],
  ...[callbacks('redis', 'microsoft'), callbacks('postgres', 'microsoft')],
  ...[routes, proxiedGet, warmTokens],
  ...[revocation, fairShare, growth, slowHost, startUp, backlog],
]

const HELP = `Floors and ours, in alternation, several rounds, medians. One table, ratios first.

  npm run bench [-- options]

  --only <name>   one scenario
  --rounds <n>    rounds of each (3)
  --json          prints {"scenarios":[{"name","unit","ours","floor","peer","ratio_floor","ratio_peer","p99","p99_peer"}]}
  --help          this text

${SCENARIOS.map(({ name, about, takesLong }) => `  ${name.padEnd(32)}${about}${takesLong ? ' (only when it is named)' : ''}`).join('\n')}
`

type Options = NonNullable<ReturnType<typeof readOptions>>

/** Null when there is nothing to run. */
function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string' },
        rounds: { type: 'string', default: '3' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    if (!/^[1-9]\d?$/.test(values.rounds)) throw new Error('--rounds takes a whole number from 1 to 99')
    if (values.only && !SCENARIOS.some(({ name }) => name === values.only))
      throw new Error(`--only takes one of: ${SCENARIOS.map(({ name }) => name).join(', ')}`)
    if (!values.help) return values
    process.stdout.write(HELP)
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${HELP}`)
    process.exitCode = 1
  }
  return null
}

async function main(options: Options) {
  const say = (line: string) => process.stderr.write(`${line}\n`)
  const wanted = SCENARIOS.filter(({ name, takesLong }) => (options.only ? name === options.only : !takesLong))
  const ground = await openGround(say, wanted[0]?.mailboxes)
  // The scenario under way would go on without the ground; what it has started ends with this process.
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void ground.close().finally(() => process.exit(130)))
  const results: Result[] = []
  try {
    for (const scenario of wanted) results.push(...((await scenario.run(ground, Number(options.rounds), say)) ?? []))
  } finally {
    await ground.close()
  }
  process.stdout.write(options.json ? `${JSON.stringify({ scenarios: results })}\n` : asTable(results))
}

const options = readOptions()
if (options) await main(options)
