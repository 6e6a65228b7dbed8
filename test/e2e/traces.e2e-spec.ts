import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import type { Client } from './public-api.js'
import { type Queue, queuesOfThisMachine } from './queue-store.js'
import { Stage, told } from './stage.js'

interface SentSpan {
  traceId: string
  name: string
  attributes: { key: string; value: Record<string, unknown> }[]
  links?: { traceId: string }[]
}

/** What a collector takes in: OTLP over HTTP, in JSON. */
class Collector {
  readonly bodies: string[] = []
  readonly tokens: (string | undefined)[] = []
  readonly #server: Server

  constructor() {
    this.#server = createServer(async (request, response) => {
      const chunks = []
      for await (const chunk of request) chunks.push(chunk)
      this.bodies.push(Buffer.concat(chunks).toString())
      this.tokens.push(request.headers['x-collector-token'] as string)
      response.setHeader('content-type', 'application/json').end('{}')
    })
  }

  async listen() {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  close() {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  get spans(): SentSpan[] {
    const scopes = this.bodies.flatMap((body) =>
      JSON.parse(body).resourceSpans.flatMap(({ scopeSpans }: { scopeSpans: { spans: SentSpan[] }[] }) => scopeSpans),
    )
    return scopes.flatMap(({ spans }: { spans: SentSpan[] }) => spans)
  }
}

describe.each<Queue>(queuesOfThisMachine())('traces, the queue on %s', (queue) => {
  const { url: databaseUrl } = testDatabase()
  const collector = new Collector()
  let stage: Stage
  let client: Client
  let requestIds: string[]
  let traceparent: string

  // Everything is done and sent before it is looked at.
  beforeAll(async () => {
    const settings = {
      OTEL_EXPORTER_OTLP_ENDPOINT: await collector.listen(),
      OTEL_EXPORTER_OTLP_HEADERS: 'x-collector-token=for the collector alone',
    }
    stage = await Stage.open(databaseUrl, { queue, settings, mailboxes: 3 })
    client = await stage.api.addClient('Scheduler')
    const acme = await stage.api.authorise(client, 'acme')
    // Told at once where that goes; so one of them has to be told again, by a job of its own.
    const callback_url = `${stage.receiver.url}/later`
    stage.receiver.standIn.faults.add({ path: '/later', times: 1, answer: { status: 503, text: 'later' } })
    requestIds = await stage.ask(
      acme,
      { email: 'anna@acme.test', state: 'sentinel-state-1' },
      { email: 'stranger@acme.test', state: 'sentinel-state-2', callback_url },
    )
    const callback = await stage.callback('sentinel-state-1')
    await stage.callback('sentinel-state-2', 2)
    traceparent = String(callback.headers.traceparent)
    const { code = '' } = told(callback)
    const exchange = { grant_type: 'authorization_code', code, redirect_uri: stage.callbackUrl }
    const json = { ...exchange, client_id: client.id, client_secret: client.secret }
    const exchanged = await stage.api.must('POST', '/oauth/token', { json, headers: { traceparent } })
    const path = `/v1/proxy/google/calendar/v3/calendars/${encodeURIComponent('anna@acme.test')}/events`
    await stage.api.must('GET', path, { token: exchanged.access_token })
    await stage.api.call('POST', '/oauth/token', { json: { ...json, code: 'a-code-that-nobody-has-ever-seen' } })
    await stage.close()
  })
  afterAll(() => collector.close())

  const spansNamed = (name: string) => collector.spans.filter((span) => span.name === name)
  const attributeOf = (span: SentSpan, key: string) =>
    Object.values(span.attributes.find((attribute) => attribute.key === key)?.value ?? {})[0]

  it('follow a mailbox from the accepted request through both jobs to the call to the client', () => {
    const [accepted] = spansNamed('accept-requests')
    const names = collector.spans.filter(({ traceId }) => traceId === accepted!.traceId).map(({ name }) => name)
    expect(names).toEqual(
      expect.arrayContaining([
        'POST /v1/service_account_authorizations',
        'process mint-access',
        'ask-provider',
        'process deliver-callback',
        'call-client',
      ]),
    )
    expect(spansNamed('process mint-access').map((span) => attributeOf(span, 'bullmq.job.id'))).toEqual(
      expect.arrayContaining(requestIds.map((id) => `mint-${id}`)),
    )
  })

  it('lead from an exchange to its request, and to the call that brought the code where the client passes that on', () => {
    const redeemed = spansNamed('redeem-code').find((span) => attributeOf(span, 'mandate.request') === requestIds[0])
    const asked = spansNamed('POST /oauth/token').find(({ traceId }) => traceId === redeemed?.traceId)
    const [accepted] = spansNamed('accept-requests')
    expect(asked?.links?.map(({ traceId }) => traceId)).toEqual([accepted!.traceId])
    // Whoever calls does not choose our trace.
    expect(asked!.traceId).not.toBe(accepted!.traceId)
  })

  it('hold no secret, no address of a mailbox and nothing that was free text', () => {
    const sent = collector.bodies.join('\n')
    expect(spansNamed('ask-provider').length).toBeGreaterThan(3)
    const never = ['@acme.test', 'sentinel-state', stage.callbackUrl, client.secret, 'for the collector alone']
    for (const secret of [...stage.secrets(), ...never]) expect(sent).not.toContain(secret)
    expect(sent).not.toMatch(/exception|options|message/)
  })

  it('are sent with the headers that the collector wants', () => {
    expect(new Set(collector.tokens)).toEqual(new Set(['for the collector alone']))
  })

  it('are named in the lines of the log, beside the request that they belong to', () => {
    const [accepted] = spansNamed('accept-requests')
    const lines = stage.logged.map((line) => JSON.parse(line)).filter(({ trace }) => trace === accepted!.traceId)
    const [asked] = lines.filter(({ msg }) => msg === 'access.requested')
    expect(asked?.requestId).toMatch(/^req_/)
    expect(lines.map(({ msg }) => msg)).toEqual(
      expect.arrayContaining(['access.requested', 'request.answered', 'mint.decided', 'callback.attempted']),
    )
  })
})
