import { readFile, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { ZodError } from 'zod'
import { onNpmShellGone } from '#platform/config/npm-shell.js'
import { ADMIN_CONSOLE } from './google/admin-console.routes.js'
import { type Sandbox, startSandbox } from './sandbox.js'
import { defaultSeed, type OperatorCredentials } from './seed/default-seed.js'
import { type SandboxSeed, sandboxSeed } from './seed/seed-schema.js'

const HELP = `Local stand-ins for Google and Microsoft and a callback receiver, for development and tests. They listen on 127.0.0.1 only.

  npm run sandbox [-- options]

  --seed <file.json>       start with this world instead of the default one
  --mailboxes <n>          add so many people to the default world
  --key-file <file.json>   write the default service account's key file here
  --google-port <n>        9081
  --microsoft-port <n>     9082
  --receiver-port <n>      9083
  --help                   this text
`

/** What was wrong with the command line, in a sentence. */
class UsageProblem extends Error {}

async function main(): Promise<void> {
  const options = readOptions()
  if (options.help) return void process.stdout.write(HELP)
  const { seed, operator } = options.seed
    ? { seed: await readSeed(options.seed), operator: null }
    : await defaultSeed({ mailboxes: numberOf('--mailboxes', options.mailboxes ?? '0', 200_000) })
  if (options['key-file'] && operator) {
    await writeFile(options['key-file'], JSON.stringify(operator.googleKeyFile, null, 2), { mode: 0o600 })
  }
  const sandbox = await startSandbox({
    googlePort: numberOf('--google-port', options['google-port'], 65_535),
    microsoftPort: numberOf('--microsoft-port', options['microsoft-port'], 65_535),
    receiverPort: numberOf('--receiver-port', options['receiver-port'], 65_535),
    seed,
  })
  process.stdout.write(greeting(sandbox))
  if (operator) process.stdout.write(registrations(operator))
  process.stdout.write('\nCtrl-C stops it.\n')
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void sandbox.stop())
  onNpmShellGone(() => void sandbox.stop())
}

const greeting = ({ google, microsoft, receiver }: Sandbox) => `Google     ${google.url}
Microsoft  ${microsoft.url}
Receiver   ${receiver.url}

Point Mandate here    MANDATE_SANDBOX_GOOGLE_URL=${google.url}
                      MANDATE_SANDBOX_MICROSOFT_URL=${microsoft.url}
Add delegation        ${google.url}${ADMIN_CONSOLE}   in a browser
Read callbacks        curl ${receiver.url}/__sandbox/deliveries
Read requests         curl ${google.url}/__sandbox/journal
Break something       curl ${google.url}/__sandbox/faults --json '{"error": "google.subject_not_found", "contains": "anna@acme.test"}'
Change something      curl ${google.url}/__sandbox/mutations --json '{"mutation": "suspend-user", "email": "anna@acme.test"}'
See what there is     curl ${google.url}/__sandbox/
`

/** The secrets are constants of this sandbox and open nothing else; whoever configures Mandate by hand needs them. */
const registrations = ({ googleKeyFile, googleClient, microsoftApp }: OperatorCredentials) => `
The operator's registrations in this world:
  Google     service account ${googleKeyFile.client_id} (its key: --key-file)
             client ${googleClient.clientId}
             secret ${googleClient.clientSecret}
  Microsoft  client ${microsoftApp.clientId}
             secret ${microsoftApp.clientSecret}
`

function readOptions() {
  try {
    const options = parseArgs({
      options: {
        seed: { type: 'string' },
        mailboxes: { type: 'string' },
        'key-file': { type: 'string' },
        'google-port': { type: 'string', default: '9081' },
        'microsoft-port': { type: 'string', default: '9082' },
        'receiver-port': { type: 'string', default: '9083' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values
    if (options.seed && (options.mailboxes || options['key-file'])) {
      throw new Error('--mailboxes and --key-file belong to the default world, which --seed replaces')
    }
    return options
  } catch (error) {
    throw new UsageProblem((error as Error).message)
  }
}

function numberOf(option: string, value: string, most: number): number {
  const number = /^\d{1,6}$/.test(value) ? Number(value) : Number.NaN
  if (!(number <= most)) throw new UsageProblem(`${option} takes a number up to ${most}, not "${value}"`)
  return number
}

async function readSeed(file: string): Promise<SandboxSeed> {
  try {
    return sandboxSeed.parse(JSON.parse(await readFile(file, 'utf8')))
  } catch (error) {
    const problems =
      error instanceof ZodError
        ? error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
        : [(error as Error).message]
    throw new UsageProblem(`${file} is not a seed:\n${problems.map((problem) => `  ${problem}`).join('\n')}`)
  }
}

function explain(error: unknown): string {
  if (error instanceof UsageProblem) return `${error.message}\n\n"npm run sandbox -- --help" lists the options.\n`
  const { code, port } = error as { code?: string; port?: number }
  if (code === 'EADDRINUSE') {
    return `Port ${port} of 127.0.0.1 is taken. Is another sandbox running? Stop it, or choose another port (--help).\n`
  }
  if (code === 'EACCES') return `Port ${port} of 127.0.0.1 may not be used by you. Choose one above 1023 (--help).\n`
  return `${(error as Error).stack}\n`
}

main().catch((error: unknown) => {
  process.stderr.write(explain(error))
  process.exitCode = 1
})
