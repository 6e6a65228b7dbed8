import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { redisForTests } from '#platform/testing/machine-for-tests.js'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { rowsOf } from '#platform/testing/rows-of.js'
import { until } from '#platform/testing/until.js'
import { freePort } from '../../apps/demo/free-port.js'
import { answersOk } from '../../apps/demo/node-process.js'
import type { StandIn } from '../../apps/sandbox/core/stand-in.js'
import { type Sandbox, startSandbox } from '../../apps/sandbox/sandbox.js'
import { defaultSeed, type OperatorCredentials } from '../../apps/sandbox/seed/default-seed.js'
import { PersonVisit } from './connect-stage.js'
import {
  type Answer,
  type Asked,
  type Client,
  type OrganisationName,
  PublicApi,
  REDIRECT_URI,
  type ServiceAccount,
} from './public-api.js'
import { signUserToken } from './user-token.js'

const STANDALONE = join(import.meta.dirname, '../../dist/apps/standalone/main.js')
const REQUESTS = '/v1/service_account_authorizations'
/** Nothing of ours calls these, and the last two only with an operator's workload identity. */
const NEVER_CALLED = ['/tokeninfo', '/revoke', '/v1/token', '/v1/projects/*']
const AT_ONCE = 8
const PATIENCE = { timeoutMs: 120_000, everyMs: 100 }

/** Sent back by a provider that repeats what it was given. */
const ECHO = `1//${randomBytes(32).toString('base64url')}`
const ADMIN_KEY = randomBytes(32).toString('hex')
const MASTER_KEY = randomBytes(32).toString('base64')

/** `previous_secret_expires_at` has a name like a secret's, and is none. */
const IS_TIME = /^\d{4}-\d\d-\d\dT/

/** Tokens and codes of the providers, and private keys, by their form: only the stand-ins know which they gave. */
const FORMS =
  /ya29\.[\w-]+|\b1\/\/0[\w-]{60}|\b4\/0A[\w-]{40}|(?<![\w.])1\.[\w-]{64}|eyJ[\w-]+\.eyJ[\w-]+|BEGIN [A-Z ]*PRIVATE KEY/

/** A real process, as an operator has it: everything that it writes is kept. */
class Mandate {
  said = ''
  private constructor(
    private readonly child: ChildProcess,
    readonly port: string,
  ) {
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.said += text
      })
  }

  static async start(settings: Record<string, string>): Promise<Mandate> {
    const port = String(await freePort())
    const env = { ...settings, PORT: port, MANDATE_LOG_LEVEL: 'debug' }
    const mandate = new Mandate(spawn(process.execPath, [STANDALONE], { env }), port)
    await until('Mandate to be ready', () => answersOk(`http://127.0.0.1:${port}/health/ready`), PATIENCE)
    return mandate
  }

  async stop(): Promise<void> {
    this.child.kill('SIGTERM')
    await once(this.child, 'close')
  }
}

/** Keeps what may be seen by whoever holds no secret of the thing: refusals, and what can be read again. */
class WatchedApi extends PublicApi {
  readonly seen: string[] = []

  override async call(method: string, path: string, asked: Asked = {}): Promise<Answer> {
    const answer = await super.call(method, path, asked)
    if (method === 'GET' || answer.status >= 400) this.seen.push(answer.text)
    return answer
  }
}

describe('secrets', () => {
  const { url } = testDatabase()
  let sandbox: Sandbox
  let operator: OperatorCredentials
  let settings: Record<string, string>
  beforeAll(async () => {
    const seeded = await defaultSeed({ mailboxes: 200 })
    operator = seeded.operator
    sandbox = await startSandbox({ seed: seeded.seed })
    settings = {
      DATABASE_URL: url.reveal(),
      MANDATE_ENCRYPTION_KEYS: `k1:${MASTER_KEY}`,
      MANDATE_ADMIN_KEY: ADMIN_KEY,
      MANDATE_SANDBOX_GOOGLE_URL: sandbox.google.url,
      MANDATE_SANDBOX_MICROSOFT_URL: sandbox.microsoft.url,
      MANDATE_EGRESS_ALLOW: '127.0.0.1',
      // All visitors of a test come from one address.
      MANDATE_LIMIT_AUTHORIZATIONS: '9999',
    }
  })
  afterAll(() => sandbox.stop())

  it('are in no output, table, queue or answer, whatever the providers say', async () => {
    const mandate = await Mandate.start(settings)
    const api = new WatchedApi(`http://127.0.0.1:${mandate.port}`, ADMIN_KEY, sandbox)
    await api.setOperatorCredentials(operator)
    const client = await api.addClient('Scheduler')
    const acme = await api.authorise(client, 'acme')
    const initech = await api.authorise(client, 'initech')

    const work = new Work(api, sandbox, client)
    await work.succeed(acme, 'user00200@acme.test')
    await work.beMisused(acme)
    await work.connectPeople()
    work.failEverywhere()
    for (let batch = 0; batch < 3; batch++) {
      await work.ask(
        acme,
        Array.from({ length: 40 }, () => work.nextPerson('acme.test')),
      )
      await work.ask(
        initech,
        Array.from({ length: 30 }, () => work.nextPerson('initech.test')),
      )
    }
    await work.consentUntilMet('acme', sandbox.google)
    await work.consentUntilMet('initech', sandbox.microsoft)
    await api.rotateSecret(client)
    for (const path of ['/providers', '/clients', `/clients/${client.id}`, '/secrets', '/clients/cli_none'])
      await api.call('GET', `/admin/v1${path}`, { token: ADMIN_KEY })
    await api.call('GET', REQUESTS, { token: acme.accessToken })

    const tables = await everyTable()
    await mandate.stop()
    const places = { output: mandate.said, tables, answers: api.seen.join('\n'), refusals: work.refusals() }

    // That these are the places where they would be.
    expect(mandate.said).toContain('"mint.decided"')
    expect(mandate.said).toContain('"mint.postponed"')
    expect(mandate.said).toContain('"account.connected"')
    expect(tables).toContain('user00200@acme.test')
    expect(tables).toMatch(/user_credentials: .*acc_/)
    expect(tables).toMatch(/bullmq\.\w+: .*mint-dar_/)
    expect(places.answers).toContain(client.id)
    expect(places.refusals).toContain('access_denied')
    expect(leaksIn(places, secretsOf(api))).toEqual([])
    // Every field that is logged is one that may be.
    expect(mandate.said.split('\n').filter((line) => line.includes('"dropped"'))).toEqual([])

    const redis = redisForTests()
    if (redis) expect(leaksIn({ redis: await whatRedisHolds(redis.reveal(), acme) }, secretsOf(api))).toEqual([])
  }, 280_000)

  function secretsOf(api: PublicApi): string[] {
    const { googleKeyFile, googleClient, microsoftApp } = operator
    const codes = sandbox.receiver.deliveries.list().map(({ body }) => JSON.parse(body.toString()).authorization.code)
    const own = [ADMIN_KEY, MASTER_KEY, ECHO, ...googleKeyFile.private_key.split('\n').slice(1, 4)]
    const sentinels = [...api.secrets, ...codes, ...own, googleClient.clientSecret, microsoftApp.clientSecret]
    return sentinels.filter((secret) => secret !== undefined && secret !== '' && !IS_TIME.test(secret))
  }

  /** Every row of every table as text: what a dump would hold. */
  async function everyTable(): Promise<string> {
    const tables = await rowsOf(
      url,
      `select schemaname || '.' || tablename as name from pg_tables where schemaname in ('public', 'bullmq')`,
    )
    const lines: string[] = []
    for (const { name } of tables)
      for (const { row } of await rowsOf(url, `select t::text as row from ${name} t`)) lines.push(`${name}: ${row}`)
    return lines.join('\n')
  }

  /** Another process, whose jobs wait in Redis because Google is throttling. */
  async function whatRedisHolds(redisUrl: string, account: ServiceAccount): Promise<string> {
    const prefix = `mandate-test-${randomBytes(4).toString('hex')}`
    const redis = new Redis(redisUrl)
    const mandate = await Mandate.start({ ...settings, REDIS_URL: redisUrl, MANDATE_QUEUE_PREFIX: prefix })
    sandbox.google.faults.add({ path: '/token', answer: { status: 429, headers: { 'retry-after': '600' } } })
    const api = new PublicApi(`http://127.0.0.1:${mandate.port}`, ADMIN_KEY, sandbox)
    await new Work(api, sandbox, account.client).ask(account, ['user00001@acme.test'])
    const held = await until(
      'a job to wait in Redis',
      async () => {
        const values = await valuesOf(redis, prefix)
        return values.includes('mint-dar_') && values.includes('requestId') && values
      },
      PATIENCE,
    )
    await mandate.stop()
    const keys = await redis.keys(`${prefix}:*`)
    if (keys.length > 0) await redis.unlink(keys)
    redis.disconnect()
    return `${held}${mandate.said}`
  }
})

/** What clients, administrators and somebody with bad intentions do. */
class Work {
  #people = 0

  constructor(
    private readonly api: WatchedApi | PublicApi,
    private readonly sandbox: Sandbox,
    private readonly client: Client,
  ) {}

  nextPerson(domain: string): string {
    this.#people = (this.#people % 190) + 1
    return `user${String(this.#people).padStart(5, '0')}@${domain}`
  }

  async ask({ accessToken }: ServiceAccount, emails: string[]): Promise<void> {
    const callback_url = `${this.sandbox.receiver.url}/callbacks`
    const json = {
      service_account_authorizations: emails.map((email) => ({ email, callback_url, scope: 'read_only' })),
    }
    await this.api.must('POST', REQUESTS, { token: accessToken, json })
  }

  /** To wherever it comes: a provider that fails ends it on a page of ours. */
  async consent(organisation: OrganisationName): Promise<void> {
    await this.api.consent(this.client, organisation).catch(() => {})
  }

  async succeed(account: ServiceAccount, email: string): Promise<void> {
    await this.ask(account, [email])
    const [delivery] = await until('the callback', () => {
      const delivered = this.sandbox.receiver.deliveries.list()
      return delivered.length > 0 && delivered
    })
    const { code } = JSON.parse(delivery!.body.toString()).authorization
    const { json } = await this.api.exchange(account.client, code, `${this.sandbox.receiver.url}/callbacks`)
    const refreshed = await this.api.refresh(account.client, json.refresh_token)
    const path = '/v1/proxy/google/calendar/v3/calendars/primary/events?maxResults=1'
    await this.api.must('GET', path, { token: refreshed.json.access_token })
    await this.api.exchange(account.client, code, `${this.sandbox.receiver.url}/callbacks`)
  }

  /** Secrets where they do not belong. */
  async beMisused({ client, accessToken, refreshToken }: ServiceAccount): Promise<void> {
    await this.api.call('GET', `/v1/userinfo?access_token=${accessToken}`)
    await this.api.call('GET', `/oauth/token?client_secret=${client.secret}`)
    // Its answer repeats the path, to nobody but its caller; the log must not.
    await fetch(`${this.api.url}/${refreshToken}`)
    await this.api.exchange({ ...client, secret: refreshToken }, accessToken, client.secret)
    await this.api.refresh(client, client.secret)
    await this.api.call('POST', '/oauth/token', { json: `{"client_secret":"${client.secret}` })
    await this.api.call('POST', REQUESTS, { token: accessToken, json: { email: client.secret, [refreshToken]: 1 } })
    await this.api.call('PUT', '/admin/v1/providers/google', { token: ADMIN_KEY, json: { key_file: client.secret } })
    await this.api.call('GET', '/admin/v1/clients', { token: client.secret })
  }

  /** Accounts of their own, in two dialects, and a sign-in that nobody comes back from: what it holds is still there. */
  async connectPeople(): Promise<void> {
    const { api, client } = this
    const ofClient = `/admin/v1/clients/${client.id}/user_token_secrets`
    const { user_token_secret: userSecret } = (await api.asAdmin('POST', ofClient)).json
    const { key } = (
      await api.asAdmin('POST', '/admin/v1/keys', {
        json: { client_id: client.id, scopes: ['oauth-api:query:*', 'oauth-api:mutation:*'] },
      })
    ).json
    const signer = { clientId: client.id, secret: userSecret, audience: api.url }
    const userToken = await signUserToken(signer, 'user-1')
    for (const secret of [userSecret, key, userToken]) api.secrets.add(secret)

    for (const [provider, email] of [
      ['google', 'anna@acme.test'],
      ['o365', 'milton@initech.test'],
    ] as const) {
      const path = `/v1/integrations/${provider}/oauth/authorizationUrl?redirect_url=${encodeURIComponent(REDIRECT_URI)}`
      // Its answer is the client's, and has the state; it is not read again.
      const { authorizationUrl } = await (
        await fetch(api.url + path, { headers: { authorization: `Bearer ${userToken}` } })
      ).json()
      await new PersonVisit(REDIRECT_URI).connect(this.#noted(authorizationUrl), email)
      await api.must('GET', '/v1/integrations/accounts/list', { token: userToken })
    }

    const graphql = (query: string, input: object) =>
      api.must('POST', '/graphql', { json: { query, variables: { input } }, headers: { 'x-api-key': key } })
    const begin = async (approver: string) => {
      const asked = { approver, provider: 'GOOGLE', scope: ['USER_INFO_EMAIL'] }
      const generate = `mutation ($input: GenerateAuthorizationRequestInput!) { generateAuthorizationRequest(input: $input) { url } }`
      const { data } = await graphql(generate, asked)
      return this.#noted(data.generateAuthorizationRequest.url)
    }
    await begin('user-who-left')
    for (const approver of ['user-2', 'user-waits']) {
      const { searchParams } = (await new PersonVisit(REDIRECT_URI).connect(await begin(approver), 'ben@acme.test')).url
      const handedIn = { state: searchParams.get('state')!, code: searchParams.get('code')! }
      for (const secret of Object.values(handedIn)) api.secrets.add(secret)
      const finalize = `mutation ($input: FinalizeAuthorizationInput) { finalizeAuthorization(input: $input) { id } }`
      if (approver === 'user-2') await graphql(finalize, handedIn)
    }
  }

  /** @returns the address where the person is sent, whose state is good for one return */
  #noted(url: string): string {
    this.api.secrets.add(new URL(url).searchParams.get('state')!)
    return url
  }

  /** Every refusal of both providers' tables once; and answers that repeat a secret. */
  failEverywhere(): void {
    const { google, microsoft } = this.sandbox
    for (const standIn of [google, microsoft]) everyErrorOf(standIn)
    const said = { error: 'invalid_grant', error_description: `AADSTS70000: ${ECHO} is not valid.` }
    const apiSaid = { error: { code: ECHO, message: `You sent ${ECHO}`, errors: [{ reason: ECHO }] } }
    google.faults.add({ path: '/token', times: 2, answer: { status: 400, json: said } })
    google.faults.add({ path: '/calendar/*', times: 2, answer: { status: 403, json: apiSaid } })
    microsoft.faults.add({ path: '/*/oauth2/v2.0/token', times: 2, answer: { status: 400, json: said } })
    microsoft.faults.add({ path: '/v1.0/*', times: 2, answer: { status: 403, json: apiSaid } })
  }

  /** Several administrators at once, over and over, until every fault has been met. */
  async consentUntilMet(organisation: OrganisationName, { faults }: StandIn): Promise<void> {
    const deadline = Date.now() + PATIENCE.timeoutMs
    const visit = async () => {
      while (faults.list().length > 0 && Date.now() < deadline) await this.consent(organisation)
    }
    await Promise.all(Array.from({ length: AT_ONCE }, visit))
    expect(faults.list()).toEqual([])
  }

  /** What the receiver was told instead of a code. */
  refusals(): string {
    const told = this.sandbox.receiver.deliveries.list().map(({ body }) => body.toString())
    return told.filter((body) => !('code' in JSON.parse(body).authorization)).join('\n')
  }
}

function everyErrorOf({ faults }: StandIn): void {
  for (const [error, { path }] of Object.entries(faults.errors))
    if (!NEVER_CALLED.includes(path)) faults.add({ error, times: 1 })
}

async function valuesOf(redis: Redis, prefix: string): Promise<string> {
  const values: unknown[] = []
  for (const key of await redis.keys(`${prefix}:*`)) {
    const type = await redis.type(key)
    values.push(key)
    if (type === 'hash') values.push(await redis.hgetall(key))
    if (type === 'string') values.push(await redis.get(key))
    if (type === 'list') values.push(await redis.lrange(key, 0, -1))
    if (type === 'zset') values.push(await redis.zrange(key, 0, '-1'))
    if (type === 'set') values.push(await redis.smembers(key))
    if (type === 'stream') values.push(await redis.xrange(key, '-', '+'))
  }
  return JSON.stringify(values)
}

/** Where which secret turned up, as it is or encoded. */
function leaksIn(places: Record<string, string>, secrets: string[]): string[] {
  const leaks: string[] = []
  for (const [place, text] of Object.entries(places)) {
    for (const secret of secrets)
      for (const form of formsOf(secret)) if (text.includes(form)) leaks.push(`${place}: ${around(text, form)}`)
    const formed = FORMS.exec(text)?.[0]
    if (formed) leaks.push(`${place}: ${around(text, formed)}`)
  }
  return leaks
}

const formsOf = (secret: string) => [
  ...new Set([
    secret,
    encodeURIComponent(secret),
    Buffer.from(secret).toString('base64').replace(/=+$/, ''),
    Buffer.from(secret).toString('base64url'),
    Buffer.from(secret).toString('hex'),
  ]),
]

const around = (text: string, found: string) => {
  const at = text.indexOf(found)
  return text.slice(Math.max(0, at - 120), at + found.length + 20)
}
