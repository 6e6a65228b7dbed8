import { randomBytes } from 'node:crypto'
import pg from 'pg'
import type { Secret } from '#platform/secrets/secret.js'
import { until } from '#platform/testing/until.js'
import { freePort } from '../../apps/demo/free-port.js'
import { answersOk, NodeProcess } from '../../apps/demo/node-process.js'
import type { Delivery } from '../../apps/sandbox/receiver/delivery-log.js'
import { type Sandbox, startSandbox } from '../../apps/sandbox/sandbox.js'
import { defaultSeed } from '../../apps/sandbox/seed/default-seed.js'
import { PublicApi, type ServiceAccount } from '../e2e/public-api.js'
import { startBalancer } from './balancer.js'
import type { Accepted, Evidence, Exchange, Recorded, Shown } from './checker.js'

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

/** How many machines there are, each with one process. */
export interface Machines {
  api: number
  worker: number
}

interface Tenant {
  name: string
  account: ServiceAccount
}

/**
 * As an operator runs it, apis behind a load balancer and workers, all of which can be killed, with two tenants who keep asking and whatever they see
 * written down. Nothing that goes wrong is overlooked: who was not answered asks again under the same key.
 */
export class MandateUnderFaults {
  readonly #accepted: Accepted[] = []
  readonly #exchanges: Exchange[] = []
  readonly #processes: Record<'api' | 'worker', NodeProcess[]> = { api: [], worker: [] }
  #stopBalancer = () => {}
  readonly #underWay: Promise<void>[] = []
  #asked = 0
  #tenants: Tenant[] = []
  /** Service accounts of the tenants' clients that are there to be revoked. */
  readonly #spare: string[] = []
  /** Processes that died, or lost what they had in hand in another way. */
  deaths = 0
  /** Off, receivers keep the codes that they are told, and the tenants come to nothing by them. */
  exchangesCodes = true

  private constructor(
    private readonly settings: Record<string, string>,
    private readonly database: pg.Pool,
    readonly sandbox: Sandbox,
    readonly api: PublicApi,
    /** One for each api. */
    private readonly ports: readonly number[],
    private readonly machines: Machines,
  ) {}

  /** @param mailboxes how many may be asked for in all */
  static async start(
    stores: Stores,
    mailboxes: number,
    machines: Machines = { api: 1, worker: 1 },
  ): Promise<MandateUnderFaults> {
    const { seed, operator } = await defaultSeed({ mailboxes })
    const sandbox = await startSandbox({ seed })
    const port = await freePort()
    const adminKey = randomBytes(32).toString('hex')
    const settings = {
      MANDATE_PUBLIC_URL: `http://127.0.0.1:${port}`,
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
    const ports = machines.api === 1 ? [port] : await Promise.all(Array.from({ length: machines.api }, freePort))
    const mandate = new MandateUnderFaults(settings, database, sandbox, api, ports, machines)
    if (machines.api > 1) mandate.#stopBalancer = await startBalancer(port, ports)
    try {
      const started = await mandate.run('api')
      if (started.hasEnded) throw new Error(`the api did not start:\n${started.said}`)
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

  /**
   * Starts those of these processes that do not run, and waits until they do.
   * @param more settings for this life alone
   * @returns the first of them
   */
  async run(which: 'api' | 'worker', more: Record<string, string> = {}): Promise<NodeProcess> {
    const numbers = Array.from({ length: this.machines[which] }, (_, number) => number)
    await Promise.all(numbers.map((number) => this.#runOne(which, number, more)))
    return this.#processes[which][0]!
  }

  async #runOne(which: 'api' | 'worker', number: number, more: Record<string, string>): Promise<void> {
    if (this.#processes[which][number]?.hasEnded === false) return
    const port = String(this.ports[number] ?? 0)
    const started = NodeProcess.start(`${which}/main.js`, { ...this.settings, PORT: port, ...more })
    this.#processes[which][number] = started
    const isUp = () =>
      which === 'api'
        ? answersOk(`http://127.0.0.1:${port}/health/ready`)
        : started.said.includes('application.running')
    // It may die on the way: that is what some of them are started for.
    await until(`the ${which} to run`, async () => started.hasEnded || (await isUp()), { timeoutMs: PATIENCE_MS })
  }

  /** All of them. @returns the first */
  async kill(which: 'api' | 'worker', signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<NodeProcess> {
    const running = this.#processes[which].filter(({ hasEnded }) => !hasEnded)
    if (signal === 'SIGKILL') this.deaths += running.length
    await Promise.all(running.map((process) => process.end(signal)))
    return this.#processes[which][0]!
  }

  /** One of all, whichever. */
  async killOne(which: 'api' | 'worker'): Promise<void> {
    const running = this.#processes[which].filter(({ hasEnded }) => !hasEnded)
    this.deaths += 1
    await running[Math.floor(Math.random() * running.length)]?.end('SIGKILL')
  }

  /** To the first of them. */
  signal(which: 'api' | 'worker', signal: NodeJS.Signals): void {
    this.#processes[which][0]?.signal(signal)
  }

  /** One of them, if not all. */
  hasDied(which: 'api' | 'worker'): boolean {
    return this.#processes[which].some(({ signalCode }) => signalCode === 'SIGKILL')
  }

  /** What all of them lose at once when a store forgets them. */
  get processes(): number {
    return this.machines.api + this.machines.worker
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
    if (!code || !tenant || !this.exchangesCodes) return
    const answer = await this.api
      .exchange(tenant.account.client, code, `${this.sandbox.receiver.url}${path}`)
      .catch(() => null)
    const email = answer?.status === 200 ? answer.json.linking_profile.profile_name : null
    this.#exchanges.push({ requestId, code, status: answer?.status ?? 0, email })
  }

  /** What has not moved for a minute is rung for: these have not, then. No lease ends by it. */
  async letAMinutePass(): Promise<void> {
    await this.database
      .query(
        `update delegated_access_requests set ring_at = ring_at - interval '1 minute',
           next_attempt_at = next_attempt_at - interval '1 minute' where ring_at is not null`,
      )
      .catch(() => {})
  }

  /** Ends an organisation that nobody needs, in the midst of everything; whoever dies of it does it again. */
  async revokeSpare(): Promise<void> {
    const { client } = this.#tenants[0]!.account
    if (this.#spare.length === 0) this.#spare.push((await this.api.authorise(client, 'globex')).id)
    await this.#revokeSpares()
  }

  async #revokeSpares(): Promise<void> {
    for (const id of this.#spare)
      await this.api.must('POST', `/admin/v1/service-accounts/${id}/revoke`, { token: this.api.adminKey })
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
    await this.#revokeSpares()
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
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${this.#lastWords()}`)
    })
  }

  /** What each process has logged last, which may tell why nothing moves. */
  #lastWords(): string {
    const words = Object.entries(this.#processes).flatMap(([which, processes]) =>
      processes.map(({ pid, said }) => `${which} ${pid}:\n${said.split('\n').slice(-12).join('\n')}`),
    )
    return words.join('\n')
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
    return { ...facts, audit: await this.#audit(), revoked: this.#spare, deaths, inHand: CONCURRENCY }
  }

  async #audit(): Promise<Evidence['audit']> {
    const rows: Recorded[] = []
    for (const { account } of this.#tenants)
      for (let cursor: string | null = ''; cursor !== null; ) {
        const query = new URLSearchParams({ client: account.client.id, limit: '1000', ...(cursor && { cursor }) })
        const page = await this.api.audit(`events?${query}`)
        rows.push(...page.events)
        cursor = page.next_cursor
      }
    const { intact } = await this.api.audit('verification')
    return { rows, intact }
  }

  /** Some request of a tenant, and the means to do something with it. */
  async with<T>(work: (account: ServiceAccount, latest: Accepted) => Promise<T>): Promise<T | undefined> {
    const latest = this.#accepted.at(-1)!
    const { account } = this.#tenants.find(({ name }) => name === latest.tenant)!
    return work(account, latest).catch(() => undefined)
  }

  /** At once: there is nothing left to lose. */
  async stop(): Promise<void> {
    for (const process of Object.values(this.#processes).flat()) {
      process.signal('SIGCONT')
      await process.end('SIGKILL')
    }
    this.#stopBalancer()
    await this.sandbox.stop()
    await this.database.end()
  }
}

const personAt = (number: number) => `user${String(number).padStart(5, '0')}@acme.test`
