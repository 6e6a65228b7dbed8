import { randomBytes } from 'node:crypto'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { until } from '#platform/testing/until.js'
import { freePort } from '../../apps/demo/free-port.js'
import type { Client, ServiceAccount } from './public-api.js'
import { Stage } from './stage.js'

describe('metrics', () => {
  const { url: databaseUrl } = testDatabase()
  let stage: Stage
  let port: number
  let client: Client
  let acme: ServiceAccount

  beforeAll(async () => {
    port = await freePort()
    const settings = { MANDATE_OPERATOR_PORT: String(port), MANDATE_LIMIT_FAILED_CLIENTS: '5' }
    stage = await Stage.open(databaseUrl, { settings, mailboxes: 3 })
    client = await stage.api.addClient('Scheduler')
    acme = await stage.api.authorise(client, 'acme')
  })
  afterAll(() => stage?.close())

  const lines = async () => (await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).trim().split('\n')
  /** Measured again: an answer is kept for a few seconds. */
  const linesWith = (...wanted: RegExp[]) =>
    until(
      'metrics',
      async () => {
        const found = await lines()
        const missing = wanted.filter((pattern) => !found.some((line) => pattern.test(line)))
        if (missing.length > 0)
          throw new Error(
            `no ${missing.join(', ')} in\n${found.filter((line) => line.startsWith('mandate')).join('\n')}`,
          )
        return found
      },
      { timeoutMs: 20_000 },
    )
  /** Ours: those of Node.js itself come when there is something to count, such as a collection of garbage. */
  const seriesOf = (found: string[]) =>
    found.filter((line) => line.startsWith('mandate_')).map((line) => line.replace(/ \S+$/, ''))

  it('tell of a mailbox that was granted, called back and exchanged', async () => {
    await stage.ask(
      acme,
      { email: 'anna@acme.test', state: 'counted' },
      { email: 'stranger@acme.test', state: 'denied' },
    )
    const { code } = await stage.told('counted')
    await stage.told('denied')
    await stage.api.exchange(client, code ?? '', stage.callbackUrl)

    await linesWith(
      /^mandate_mints_total\{provider="google",outcome="granted"\} 1$/,
      /^mandate_mints_total\{provider="google",outcome="denied"\} 1$/,
      /^mandate_delivery_seconds_count\{message="callback",host="healthy",answer="2xx",state="delivered"\} 2$/,
      /^mandate_token_grants_total\{type="authorization_code",outcome="issued"\} [12]$/,
      /^mandate_provider_call_seconds_count\{provider="google",answer="2xx"\} \d+$/,
      /^mandate_http_request_seconds_count\{route="\/v1\/service_account_authorizations",status="2xx"\} 1$/,
      /^mandate_backlog_requests\{state="undecided"\} 0$/,
      /^mandate_oldest_undelivered_seconds 0$/,
      /^mandate_untold_events 0$/,
      /^mandate_queue_age_seconds\{queue="mint-access"\} 0$/,
      /^mandate_queue_jobs\{queue="deliver-callback",state="waiting"\} 0$/,
      /^mandate_callback_breakers\{state="open"\} 0$/,
      /^mandate_audit_arrivals \d+$/,
      /^mandate_audit_months_ahead 2$/,
    )
  })

  it('grow by nothing that a caller can say, and show none of it', async () => {
    const hostile = async (count: number) => {
      const secret = randomBytes(8).toString('hex')
      for (let i = 0; i < count; i++) {
        const grant_type = `urn:${secret}${i}"}\n`
        const forged = { client_id: `cli_${secret}`, client_secret: secret }
        const rightful = { client_id: client.id, client_secret: client.secret }
        await stage.api.call('POST', '/oauth/token', { json: { grant_type, ...forged } })
        await stage.api.call('POST', '/oauth/token', { json: { grant_type, ...rightful } })
        await stage.api.call('GET', `/v1/${secret}${i}/x`)
        await stage.api.call('GET', `/v1/service_account_authorizations/dar_${secret}${i}`, { token: acme.accessToken })
      }
      return secret
    }
    const counted = (refusals: number) =>
      linesWith(
        new RegExp(`^mandate_token_grants_total\\{type="other",outcome="unsupported_grant_type"\\} ${refusals}$`),
        /^mandate_rate_limit_refusals_total\{limit="client"\} \d+$/,
      )
    const first = await hostile(10)
    const before = seriesOf(await counted(10))
    const second = await hostile(30)
    const found = await counted(40)

    expect(seriesOf(found)).toEqual(before)
    for (const leak of [first, second, client.id, acme.id, 'acme.test', '127.0.0.1', 'cli_', 'dar_'])
      expect(found.join('\n')).not.toContain(leak)
  })

  it('are not on the public origin', async () => {
    expect((await stage.api.call('GET', '/metrics')).status).toBe(404)
  })
})
