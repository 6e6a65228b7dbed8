import { randomBytes } from 'node:crypto'
import pg from 'pg'
import type { Secret } from '#platform/secrets/secret.js'
import { until } from '#platform/testing/until.js'
import { freePort } from '../../apps/demo/free-port.js'
import { answersOk, NodeProcess } from '../../apps/demo/node-process.js'
import type { JournalEntry } from '../../apps/sandbox/core/request-journal.js'
import type { StandIn } from '../../apps/sandbox/core/stand-in.js'
import { type Sandbox, startSandbox } from '../../apps/sandbox/sandbox.js'
import { defaultSeed } from '../../apps/sandbox/seed/default-seed.js'
import { PublicApi, type ServiceAccount } from '../e2e/public-api.js'

export interface ColdStart {
  workers: number
  /** Mailboxes at Google, each with a token of its own, and at Microsoft, where one is good for all. */
  google: number
  microsoft: number
  mintsPerSecond: number
  /** How long Microsoft's token endpoint thinks about each call. */
  thinksMs: number
  timeoutSeconds: number
}

export interface Findings {
  granted: number
  denied: number
  /** Each call to Google's token endpoint: whose token, how many milliseconds after the first was claimed, what it brought. */
  googleCalls: { subject: string | null; at: number; status: number | null }[]
  microsoftCalls: number
  seconds: number
}

/**
 * Everybody is asked for while no worker runs; then all workers start at once, and nobody has a token. Api and workers are
 * processes, as an operator runs them.
 */
export async function coldStart(databaseUrl: Secret<string>, plan: ColdStart): Promise<Findings> {
  const { seed, operator } = await defaultSeed({ mailboxes: Math.max(plan.google, plan.microsoft) })
  const sandbox = await startSandbox({ seed })
  const processes: NodeProcess[] = []
  const start = (entry: string, settings: Record<string, string>) => {
    const started = NodeProcess.start(entry, settings)
    processes.push(started)
    return started
  }
  try {
    const settings = await settingsFor(databaseUrl, sandbox, plan)
    const mandate = new PublicApi(`http://127.0.0.1:${settings.PORT}`, settings.MANDATE_ADMIN_KEY, sandbox)
    await start('api/main.js', settings).until(() => answersOk(`${mandate.url}/health/ready`))
    await mandate.setOperatorCredentials(operator)
    const client = await mandate.addClient('Scheduler')
    const ask = asking(mandate, sandbox)
    await ask(await mandate.authorise(client, 'acme'), 'acme.test', plan.google)
    await ask(await mandate.authorise(client, 'initech'), 'initech.test', plan.microsoft)
    const atGoogle = new TokenCalls(sandbox.google)
    const atMicrosoft = new TokenCalls(sandbox.microsoft)
    sandbox.microsoft.faults.add({ path: TOKEN_PATH, delayMs: plan.thinksMs })

    const begun = performance.now()
    for (let n = 0; n < plan.workers; n++) start('worker/main.js', settings)
    const { deliveries } = sandbox.receiver
    const patience = { timeoutMs: 600_000, everyMs: 100 }
    await until(
      'everybody to be told of',
      () => {
        atGoogle.collect()
        const gone = processes.find(({ hasEnded }) => hasEnded)
        if (gone) throw new Error(gone.said)
        return deliveries.total >= plan.google + plan.microsoft
      },
      patience,
    )
    const seconds = (performance.now() - begun) / 1000
    const { granted, denied, first } = await inTheDatabase(databaseUrl)
    return {
      granted,
      denied,
      googleCalls: atGoogle
        .collect()
        .map(({ subject, at, status }) => ({ subject, at: Date.parse(at) - first.getTime(), status })),
      microsoftCalls: atMicrosoft.collect().length,
      seconds,
    }
  } finally {
    await Promise.all(processes.map((started) => started.end('SIGKILL')))
    await sandbox.stop()
  }
}

const TOKEN_PATH = '/*/oauth2/v2.0/token'

async function settingsFor(databaseUrl: Secret<string>, sandbox: Sandbox, plan: ColdStart) {
  return {
    PORT: String(await freePort()),
    DATABASE_URL: databaseUrl.reveal(),
    MANDATE_ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64')}`,
    MANDATE_ADMIN_KEY: randomBytes(32).toString('hex'),
    MANDATE_EGRESS_ALLOW: '127.0.0.1',
    MANDATE_SANDBOX_GOOGLE_URL: sandbox.google.url,
    MANDATE_SANDBOX_MICROSOFT_URL: sandbox.microsoft.url,
    MANDATE_PROVIDER_MINTS_PER_SECOND: String(plan.mintsPerSecond),
    MANDATE_PROVIDER_TIMEOUT_SECONDS: String(plan.timeoutSeconds),
    MANDATE_LOG_LEVEL: 'error',
  }
}

const asking =
  (mandate: PublicApi, sandbox: Sandbox) =>
  async ({ accessToken: token }: ServiceAccount, domain: string, count: number): Promise<void> => {
    const people = Array.from({ length: count }, (_, n) => ({
      email: `user${String(n + 1).padStart(5, '0')}@${domain}`,
      callback_url: `${sandbox.receiver.url}/callbacks`,
      scope: 'read_only',
    }))
    for (let from = 0; from < count; from += 50) {
      const json = { service_account_authorizations: people.slice(from, from + 50) }
      await mandate.must('POST', '/v1/service_account_authorizations', { token, json })
    }
  }

/** A journal keeps only the newest requests, so it is read while they are made. */
class TokenCalls {
  readonly #found: JournalEntry[] = []
  #seen = 0

  constructor(private readonly standIn: StandIn) {
    this.collect()
    this.#found.length = 0
  }

  collect(): readonly JournalEntry[] {
    const entries = this.standIn.journal.list({ after: this.#seen })
    this.#seen = entries.at(-1)?.number ?? this.#seen
    this.#found.push(...entries.filter(({ path }) => /\/token(\?|$)/.test(path)))
    return this.#found
  }
}

async function inTheDatabase(databaseUrl: Secret<string>): Promise<{ granted: number; denied: number; first: Date }> {
  const database = new pg.Client({ connectionString: databaseUrl.reveal() })
  await database.connect()
  const { rows } = await database.query(
    `select count(*) filter (where decision = 'granted')::int as granted,
       count(*) filter (where decision = 'denied')::int as denied,
       (select rising_since from provider_budgets where lane like 'google % bulk') as first
     from delegated_access_requests`,
  )
  await database.end()
  return rows[0]
}
