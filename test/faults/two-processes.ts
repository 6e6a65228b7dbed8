import { randomBytes } from 'node:crypto'
import pg from 'pg'
import type { Secret } from '#platform/secrets/secret.js'
import { until } from '#platform/testing/until.js'
import { answersOk, freePort, NodeProcess } from '../../apps/demo/node-process.js'
import { type Sandbox, startSandbox } from '../../apps/sandbox/sandbox.js'
import { defaultSeed } from '../../apps/sandbox/seed/default-seed.js'
import { PublicApi, type ServiceAccount } from '../e2e/public-api.js'
import { openQueueStore, type Queue, type QueueStore } from '../e2e/queue-store.js'

const PATH = '/v1/service_account_authorizations'

/** As an operator runs it: an api and a worker, each a process that can be killed, on stores of this test's own. */
export class TwoProcesses {
  #worker: NodeProcess | undefined

  private constructor(
    private readonly settings: Record<string, string>,
    private readonly api: NodeProcess,
    readonly sandbox: Sandbox,
    readonly queue: QueueStore,
    private readonly publicApi: PublicApi,
    private account: ServiceAccount | undefined = undefined,
  ) {}

  /** @param mailboxes how many people Acme has, from user00001@acme.test on */
  static async start(databaseUrl: Secret<string>, queue: Queue, mailboxes: number): Promise<TwoProcesses> {
    const { seed, operator } = await defaultSeed({ mailboxes })
    const sandbox = await startSandbox({ seed })
    const store = openQueueStore(queue, databaseUrl)
    const port = await freePort()
    const adminKey = randomBytes(32).toString('hex')
    const settings = {
      PORT: String(port),
      DATABASE_URL: databaseUrl.reveal(),
      ...store.settings,
      MANDATE_ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64')}`,
      MANDATE_ADMIN_KEY: adminKey,
      MANDATE_EGRESS_ALLOW: '127.0.0.1',
      MANDATE_SANDBOX_GOOGLE_URL: sandbox.google.url,
      // Leases follow from it: what a dead worker held may be taken up so much sooner.
      MANDATE_CALLBACK_TIMEOUT_SECONDS: '2',
    }
    const publicApi = new PublicApi(`http://127.0.0.1:${port}`, adminKey, sandbox)
    const api = NodeProcess.start('api/main.js', settings)
    const started = new TwoProcesses(settings, api, sandbox, store, publicApi)
    try {
      await api.until(() => answersOk(`${publicApi.url}/health/ready`))
      await publicApi.setOperatorCredentials(operator)
      started.account = await publicApi.authorise(await publicApi.addClient('Scheduler'), 'acme')
      started.startWorker()
      return started
    } catch (error) {
      await started.stop()
      throw error
    }
  }

  get worker(): NodeProcess {
    if (!this.#worker) throw new Error('no worker has been started')
    return this.#worker
  }

  startWorker(): void {
    this.#worker = NodeProcess.start('worker/main.js', this.settings)
  }

  /** Asks in lists of fifty. @returns the ids, in order */
  async ask(emails: readonly string[]): Promise<string[]> {
    const callback_url = `${this.sandbox.receiver.url}/callbacks`
    const ids: string[] = []
    for (let start = 0; start < emails.length; start += 50) {
      const list = emails.slice(start, start + 50).map((email) => ({ email, callback_url, scope: 'read_only' }))
      const json = { service_account_authorizations: list }
      const accepted = await this.publicApi.must('POST', PATH, { token: this.account?.accessToken, json })
      ids.push(...accepted.service_account_authorizations.map(({ id }: { id: string }) => id))
    }
    return ids
  }

  /** How each of these requests ended, once all of them have. */
  async endings(ids: readonly string[]): Promise<{ status: string; callback: string; attempts: number }[]> {
    const token = this.account?.accessToken
    const none = async (query: string) =>
      (await this.publicApi.must('GET', `${PATH}?limit=1&${query}`, { token })).service_account_authorizations
        .length === 0
    // Less than the minute after which the sweeper would find what had been lost, and hide it.
    const patience = { timeoutMs: 110_000, everyMs: 100 }
    await until('nothing to wait any more', () => none('callback=waiting'), patience)
    return Promise.all(ids.map((id) => this.publicApi.must('GET', `${PATH}/${id}`, { token })))
  }

  /** What the receiver was sent about each request, in order. */
  callbacks(): Map<string, string[]> {
    const found = new Map<string, string[]>()
    for (const { headers, body } of this.sandbox.receiver.deliveries.list()) {
      const id = String(headers['webhook-id'])
      found.set(id, [...(found.get(id) ?? []), body.toString()])
    }
    return found
  }

  /** The sweeper looks every five seconds for what has not moved for a minute; these have not, then. */
  async letAMinutePass(databaseUrl: Secret<string>, ids: readonly string[]): Promise<void> {
    const database = new pg.Client({ connectionString: databaseUrl.reveal() })
    await database.connect()
    const older = `update delegated_access_requests set ring_at = ring_at - interval '1 minute' where id = any($1)`
    await database.query(older, [ids])
    await database.end()
  }

  /** At once: there is nothing left to lose. */
  async stop(): Promise<void> {
    await Promise.all([this.#worker?.end('SIGKILL'), this.api.end('SIGKILL')])
    await this.sandbox.stop()
    await this.queue.close()
  }
}
