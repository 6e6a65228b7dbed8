import { parseArgs } from 'node:util'
import { SingleBar } from 'cli-progress'
import { onNpmShellGone } from '#platform/config/npm-shell.js'
import { runDemo, type Teller } from './demo.js'

const HELP = `The whole main job against stand-ins for Google and Microsoft, on this machine alone.

  npm run demo [-- options]

  --mailboxes <n>   how many mailboxes to ask for, about (200; at least those that the two organisations have anyway)
  --json            the last line on stdout is one JSON object: mailboxes, delivered, denied, redeemed, read, lost, seconds
  --keep            leaves everything running afterwards, to look at
  --help            this text
`

/** Null when there is nothing to run. */
function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        mailboxes: { type: 'string', default: '200' },
        json: { type: 'boolean', default: false },
        keep: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    if (!/^[1-9]\d{0,5}$/.test(values.mailboxes))
      throw new Error(`--mailboxes takes a whole number, not "${values.mailboxes}"`)
    if (!values.help) return values
    process.stdout.write(HELP)
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${HELP}`)
    process.exitCode = 2
  }
  return null
}

/** Speaks on stderr, so that stdout stays the result's. */
class Narrator implements Teller {
  readonly #bar = new SingleBar({
    format: '  {bar} {value}/{total} mailboxes, {eta_formatted} to go',
    stream: process.stderr,
    noTTYOutput: true,
    notTTYSchedule: 1000,
    hideCursor: true,
  })
  #barIsShown = false

  say(line: string) {
    process.stderr.write(`${line}\n`)
  }

  progress(answered: number, of: number) {
    if (!this.#barIsShown) this.#bar.start(of, 0)
    this.#barIsShown = true
    this.#bar.update(answered)
  }

  hush() {
    this.#bar.stop()
  }
}

/** What fails while everything is being stopped is no news. */
let isInterrupted = false

async function main() {
  const options = readOptions()
  if (!options) return
  const narrator = new Narrator()
  let stop = async () => {}
  const interrupt = () => {
    isInterrupted = true
    // The demo itself would go on waiting for what has been stopped.
    void stop().finally(() => process.exit(130))
  }
  process.once('SIGINT', interrupt)
  process.once('SIGTERM', interrupt)
  onNpmShellGone(interrupt)
  const underway = (stopIt: () => Promise<void>) => {
    stop = stopIt
  }
  const demo = await runDemo(Number(options.mailboxes), narrator, underway).finally(() => narrator.hush())
  const report = `\n${demo.tally.report(demo.seconds)}\n`
  const figures = demo.tally.figures(demo.seconds)
  if (options.json) process.stderr.write(report)
  process.stdout.write(options.json ? `${JSON.stringify(figures)}\n` : report)
  if (figures.lost > 0 || figures.read < figures.delivered) process.exitCode = 1
  if (!options.keep) return stop()
  process.stderr.write(`
Still running; Ctrl-C stops it.
  Mandate     ${demo.mandateUrl}
  Google      ${demo.sandbox.google.url}/__sandbox/
  Microsoft   ${demo.sandbox.microsoft.url}/__sandbox/
  callbacks   ${demo.sandbox.receiver.url}/__sandbox/deliveries
`)
}

main().catch((error: unknown) => {
  if (isInterrupted) return
  process.stderr.write(`\nThe demo failed: ${(error as Error).stack}\n`)
  process.exitCode = 1
})
