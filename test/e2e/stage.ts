import { randomBytes } from 'node:crypto'
import { loadSettings } from '#platform/config/settings.js'
import { Log } from '#platform/observability/log.js'
import type { Secret } from '#platform/secrets/secret.js'
import { until } from '#platform/testing/until.js'
import { startApi } from '../../apps/api/start-api.js'
import { freePort } from '../../apps/demo/free-port.js'
import type { Delivery } from '../../apps/sandbox/receiver/delivery-log.js'
import type { Receiver } from '../../apps/sandbox/receiver/receiver.js'
import { type Sandbox, startSandbox } from '../../apps/sandbox/sandbox.js'
import { defaultSeed, type OperatorCredentials } from '../../apps/sandbox/seed/default-seed.js'
import { startStandalone } from '../../apps/standalone/start-standalone.js'
import { PublicApi, type ServiceAccount } from './public-api.js'
import { openQueueStore, type Queue, type QueueStore } from './queue-store.js'

/** What a delegated access request asks for; whatever a test leaves out is in order. */
export interface AskedMailbox {
  email: string
  state: string
  callback_url?: string
  scope?: string
}

/** What a callback tells the client. */
export interface Told {
  code?: string
  error?: string
  error_key?: string
  error_description?: string
  state?: string
}

/** All of Mandate in this process, its queue in either store, between stand-ins for both providers and a receiver. */
export class Stage {
  /** Every line that was logged, for what must not be in it. */
  readonly logged: string[]

  private constructor(
    readonly api: PublicApi,
    readonly sandbox: Sandbox,
    readonly operator: OperatorCredentials,
    readonly queue: QueueStore,
    logged: string[],
    /** One more API over the same stores, as where several run: for what two of them might do at once. */
    readonly openBeside: () => Promise<PublicApi>,
    readonly close: () => Promise<void>,
  ) {
    this.logged = logged
  }

  /** @param settings variables as an operator would set them, beside those that the stage needs */
  static async open(
    databaseUrl: Secret<string>,
    { queue = 'postgres' as Queue, settings = {}, mailboxes = 0 } = {},
  ): Promise<Stage> {
    const { seed, operator } = await defaultSeed({ mailboxes })
    const sandbox = await startSandbox({ seed })
    const store = openQueueStore(queue, databaseUrl)
    const adminKey = randomBytes(32).toString('hex')
    const port = await freePort()
    const logged: string[] = []
    const log = new Log('debug', (line) => logged.push(line))
    const environment = {
      DATABASE_URL: databaseUrl.reveal(),
      MANDATE_ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64')}`,
      MANDATE_ADMIN_KEY: adminKey,
      MANDATE_SANDBOX_GOOGLE_URL: sandbox.google.url,
      MANDATE_SANDBOX_MICROSOFT_URL: sandbox.microsoft.url,
      MANDATE_EGRESS_ALLOW: '127.0.0.1',
      MANDATE_LOG_LEVEL: 'debug',
      // All visitors of a test come from one address.
      MANDATE_LIMIT_AUTHORIZATIONS: '9999',
      PORT: String(port),
      ...store.settings,
      ...settings,
    }
    const running = [await startStandalone(loadSettings('standalone', environment), log)]
    const apiAt = (where: number) => new PublicApi(`http://127.0.0.1:${where}`, adminKey, sandbox)
    const openBeside = async () => {
      const besidePort = await freePort()
      running.push(await startApi(loadSettings('service', { ...environment, PORT: String(besidePort) }), log))
      return apiAt(besidePort)
    }
    const api = apiAt(port)
    await api.setOperatorCredentials(operator)
    return new Stage(api, sandbox, operator, store, logged, openBeside, async () => {
      await Promise.all(running.map((each) => each.stop()))
      await sandbox.stop()
      await store.close()
    })
  }

  /** What must never be logged: all that went over the wire, and what the operator holds. */
  secrets(): string[] {
    const { googleKeyFile, googleClient, microsoftApp } = this.operator
    const codes = this.receiver.deliveries.list().map((delivery) => told(delivery).code)
    const keys = [googleKeyFile.private_key.split('\n')[1], googleClient.clientSecret, microsoftApp.clientSecret]
    return [...this.api.secrets, ...codes, ...keys].filter((secret) => secret !== undefined)
  }

  get receiver(): Receiver {
    return this.sandbox.receiver
  }

  get callbackUrl(): string {
    return `${this.receiver.url}/callbacks?tenant=7`
  }

  /** @returns the ids of the requests, in order */
  async ask({ accessToken }: ServiceAccount, ...mailboxes: AskedMailbox[]): Promise<string[]> {
    const service_account_authorizations = mailboxes.map((mailbox) => ({
      callback_url: this.callbackUrl,
      scope: 'read_only',
      ...mailbox,
    }))
    const path = '/v1/service_account_authorizations'
    const accepted = await this.api.must('POST', path, { token: accessToken, json: { service_account_authorizations } })
    return accepted.service_account_authorizations.map(({ id }: { id: string }) => id)
  }

  show({ accessToken }: ServiceAccount, requestId: string) {
    return this.api.must('GET', `/v1/service_account_authorizations/${requestId}`, { token: accessToken })
  }

  /** The request, once its callback has come that far. */
  requestOnce(callback: 'delivered' | 'abandoned' | 'waiting', account: ServiceAccount, requestId: string) {
    return until(`${requestId} to be ${callback}`, async () => {
      const shown = await this.show(account, requestId)
      return shown.callback === callback && shown
    })
  }

  callbacksOf(state: string): Delivery[] {
    return this.receiver.deliveries.list({ contains: `"state":${JSON.stringify(state)}}` })
  }

  /** The `count`th callback about this state, once it is there. */
  callback(state: string, count = 1): Promise<Delivery> {
    return until(`callback ${count} about ${state}`, () => this.callbacksOf(state)[count - 1])
  }

  async told(state: string, count = 1): Promise<Told> {
    return told(await this.callback(state, count))
  }
}

export const told = ({ body }: Delivery): Told => JSON.parse(body.toString()).authorization

/** Every request of a service account, newest first, from page to page. */
export async function allRequests({ api }: Stage, { accessToken: token }: ServiceAccount, limit = 100) {
  const found = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const query = new URLSearchParams({ limit: String(limit), ...(cursor && { cursor }) })
    const page = await api.must('GET', `/v1/service_account_authorizations?${query}`, { token })
    found.push(...page.service_account_authorizations)
    cursor = page.next_cursor
  }
  return found
}
