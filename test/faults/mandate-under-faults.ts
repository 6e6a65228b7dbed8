import { randomBytes } from 'node:crypto'
import pg from 'pg'
import type { Secret } from '#platform/secrets/secret.js'
import { until } from '#platform/testing/until.js'
import { answersOk, freePort, NodeProcess } from '../../apps/demo/node-process.js'
import type { Delivery } from '../../apps/sandbox/receiver/delivery-log.js'
import { type Sandbox, startSandbox } from '../../apps/sandbox/sandbox.js'
import { defaultSeed } from '../../apps/sandbox/seed/default-seed.js'
import { PublicApi, type ServiceAccount } from '../e2e/public-api.js'
import type { Accepted, Evidence, Exchange, Shown } from './checker.js'

const PATH = '/v1/service_account_authorizations'
const TENANTS = ['north', 'south'] as const
/** What one process has in hand when it dies. */
const CONCURRENCY = 32
/** Long enough for any answer of a machine that is busy. */
const PATIENCE_MS = 180_000

export interface Stores {
  databaseUrl: Secret<string>
  settings: Record<string, string>
}

interface Tenant {
  name: string
  account: ServiceAccount
}

/**
 * As an operator runs it, an api and a worker that can be killed, with two tenants who keep asking and whatever they see
 * written down. Nothing that goes wrong is overlooked: who was not answered asks again under the same key.
 */
export class MandateUnderFaults {
  readonly #accepted: Accepted[] = []
  readonly #exchanges: Exchange[] = []
  readonly #processes: Record<'api' | 'worker', NodeProcess | null> = { api: null, worker: null }
  readonly #underWay: Promise<void>[] = []
  #asked = 0
  #tenants: Tenant[] = []
  /** Processes that died, or lost what they had in hand in another way. */
  deaths = 0

  private constructor(
    private readonly settings: Record<string, string>,
    private readonly database: pg.Pool,
    readonly sandbox: Sandbox,
    readonly api: PublicApi,
  ) {}

  /** @param mailboxes how many may be asked for in all */
  static async start(stores: Stores, mailboxes: number): Promise<MandateUnderFaults> {
    const { seed, operator } = await defaultSeed({ mailboxes })
    const sandbox = await startSandbox({ seed })
    const port = await freePort()
    const adminKey = randomBytes(32).toString('hex')
    const settings = {
      PORT: String(port),
      DATABASE_URL: stores.databaseUrl.reveal(),
      ...stores.settings,
      MANDATE_ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64')}`,
      MANDATE_ADMIN_KEY: adminKey,
      MANDATE_EGRESS_ALLOW: '127.0.0.1',
      MANDATE_SANDBOX_GOOGLE_URL: sandbox.google.url,
      MANDATE_WORKER_CONCURRENCY: String(CONCURRENCY),
      // Leases follow from it: what a dead worker held may be taken up so much sooner.
      MANDATE_CALLBACK_TIMEOUT_SECONDS: '2',
    }
    const database = new pg.Pool({ connectionString: stores.databaseUrl.reveal(), max: 2 })
    database.on('error', () => {})
    const api = new PublicApi(`http://127.0.0.1:${port}`, adminKey, sandbox)
    const mandate = new MandateUnderFaults(settings, database, sandbox, api)
    try {
      await mandate.run('api')
      await api.setOperatorCredentials(operator)
      for (const name of TENANTS) {
        const account = await api.authorise(await api.addClient(name), 'acme')
        mandate.#tenants.push({ name, account })
      }
      sandbox.receiver.onDelivery((delivery) => mandate.#exchange(delivery))
      await mandate.run('worker')
      return mandate
    } catch (error) {
      await mandate.stop()
      throw error
    }
  }

  /** Starts this process unless it runs, and waits until it does. @param more settings for this life alone */
  async run(which: 'api' | 'worker', more: Record<string, string> = {}): Promise<NodeProcess> {
    const running = this.#processes[which]
    if (running && !running.hasEnded) return running
    const started = NodeProcess.start(`${which}/main.js`, { ...this.settings, ...more })
    this.#processes[which] = started
    const isUp = () =>
      which === 'api' ? answersOk(`${this.api.url}/health/ready`) : started.said.includes('application.running')
    // It may die on the way: that is what some of them are started for.
    await until(`the ${which} to run`, async () => started.hasEnded || (await isUp()), { timeoutMs: PATIENCE_MS })
    return started
  }

  async kill(which: 'api' | 'worker', signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<NodeProcess> {
    const process = this.#processes[which]
    if (!process) throw new Error(`no ${which} has been started`)
    if (signal === 'SIGKILL') this.deaths += 1
    await process.end(signal)
    return process
  }

  signal(which: 'api' | 'worker', signal: NodeJS.Signals): void {
    this.#processes[which]?.signal(signal)
  }

  hasDied(which: 'api' | 'worker'): boolean {
    return this.#processes[which]?.signalCode === 'SIGKILL'
  }

  get told(): number {
    return this.sandbox.receiver.deliveries.total
  }

  /** To be waited for before all is quiet. */
  later(asking: Promise<void>): void {
    asking.catch(() => {})
    this.#underWay.push(asking)
  }

  /** Asks for so many mailboxes, in turn for each tenant, and again under the same key until it is answered. */
  async ask(count: number): Promise<void> {
    for (let left = count; left > 0; ) {
      const some = Math.min(left, 20)
      await this.#askSome(this.#tenants[this.#asked % this.#tenants.length]!, some)
      left -= some
    }
  }

  async #askSome({ name, account }: Tenant, count: number): Promise<void> {
    const callback_url = `${this.sandbox.receiver.url}/${name}`
    const items = Array.from({ length: count }, () => {
      this.#asked += 1
      // One in twenty-five is suspended: a refusal has to survive as well as a grant.
      const email = this.#asked % 25 === 0 ? 'suspended@acme.test' : personAt(this.#asked)
      return { email, callback_url, scope: 'read_only', state: `${name} ${this.#asked}` }
    })
    const headers = { 'idempotency-key': `${name}-${this.#asked}` }
    const asked = { token: account.accessToken, headers, json: { service_account_authorizations: items } }
    const answer = await until(
      'requests to be accepted',
      async () => {
        const { status, json } = await this.api.call('POST', PATH, asked)
        if (status === 202) return json
        if (status < 500) throw new Error(`asking was answered with ${status}: ${JSON.stringify(json)}`)
        return null
      },
      { timeoutMs: PATIENCE_MS, everyMs: 100 },
    )
    answer.service_account_authorizations.forEach(({ id }: { id: string }, index: number) => {
      const { email, state } = items[index]!
      this.#accepted.push({ id, tenant: name, email, state, callbackUrl: callback_url })
    })
  }

  /** Inside the receiver's handler, as eager clients do it; the answer may be lost with the process that gives it. */
  async #exchange({ headers, path, body }: Delivery): Promise<void> {
    const requestId = String(headers['webhook-id'])
    const { code } = JSON.parse(body.toString()).authorization
    const tenant = this.#tenants.find(({ name }) => path === `/${name}`)
    if (!code || !tenant) return
    const answer = await this.api
      .exchange(tenant.account.client, code, `${this.sandbox.receiver.url}${path}`)
      .catch(() => null)
    const email = answer?.status === 200 ? answer.json.linking_profile.profile_name : null
    this.#exchanges.push({ requestId, code, status: answer?.status ?? 0, email })
  }

  /** What has not moved for a minute is rung for: these have not, then. No lease ends by it. */
  async letAMinutePass(): Promise<void> {
    await this.database
      .query(`update delegated_access_requests set ring_at = ring_at - interval '1 minute' where ring_at is not null`)
      .catch(() => {})
  }

  /** PostgreSQL ends all its processes and recovers when one of them is killed. */
  async crashDatabase(): Promise<void> {
    // It may still be recovering from the last time.
    const pid = await until(
      'PostgreSQL to take connections',
      async () => (await this.database.query('select pg_backend_pid() as pid')).rows[0].pid as number,
      { timeoutMs: 60_000, everyMs: 100 },
    )
    process.kill(pid, 'SIGKILL')
  }

  async terminateConnections(): Promise<void> {
    await this.database.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    )
  }

  /** Both processes run, and nothing is left to do. */
  async comeToRest(): Promise<void> {
    await this.run('api')
    await this.run('worker')
    await Promise.all(this.#underWay.splice(0))
    let looks = 0
    await until(
      'nothing to wait any more',
      async () => {
        looks += 1
        if (looks % 20 === 0) await this.letAMinutePass()
        const { rows } = await this.database.query(
          'select count(*)::int as open, min(id) as one from delegated_access_requests where ring_at is not null',
        )
        return rows[0].open === 0 ? true : Promise.reject(new Error(`${rows[0].open} are open, ${rows[0].one} is one`))
      },
      { timeoutMs: PATIENCE_MS, everyMs: 250 },
    )
  }

  async evidence(): Promise<Evidence> {
    const received = this.sandbox.receiver.deliveries.list().map(({ headers, path, body, status }) => ({
      tenant: path.slice(1),
      headers: headers as Record<string, string>,
      body: body.toString(),
      status,
    }))
    const shown: Shown[] = []
    const tenantOf = new Map(this.#tenants.map((tenant) => [tenant.name, tenant]))
    for (const { id, tenant } of this.#accepted) {
      const token = tenantOf.get(tenant)!.account.accessToken
      shown.push(await this.api.must('GET', `${PATH}/${id}`, { token }))
    }
    const signingSecrets = new Map(this.#tenants.map(({ name, account }) => [name, account.client.signingSecret]))
    const { deaths } = this
    const facts = { accepted: this.#accepted, received, exchanges: this.#exchanges, shown, signingSecrets }
    return { ...facts, deaths, inHand: CONCURRENCY }
  }

  /** Some request of a tenant, and the means to do something with it. */
  async with<T>(work: (account: ServiceAccount, latest: Accepted) => Promise<T>): Promise<T | undefined> {
    const latest = this.#accepted.at(-1)!
    const { account } = this.#tenants.find(({ name }) => name === latest.tenant)!
    return work(account, latest).catch(() => undefined)
  }

  /** At once: there is nothing left to lose. */
  async stop(): Promise<void> {
    for (const process of Object.values(this.#processes)) {
      process?.signal('SIGCONT')
      await process?.end('SIGKILL')
    }
    await this.sandbox.stop()
    await this.database.end()
  }
}

const personAt = (number: number) => `user${String(number).padStart(5, '0')}@acme.test`
