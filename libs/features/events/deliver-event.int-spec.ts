import type { ServerResponse } from 'node:http'
import { Client, ClientSecret } from '#domain/clients/client.entity.js'
import { Clients } from '#domain/clients/clients.js'
import { DeliveryParts } from '#domain/deliveries/deliver-message.js'
import { DELIVERY_SCHEDULE } from '#domain/deliveries/delivery-lifecycle.js'
import { OPENS_AFTER } from '#domain/deliveries/host-breaker.js'
import { RevokeServiceAccounts } from '#domain/grants/revoke-service-accounts.js'
import { minutes, seconds } from '#platform/clock/clock.js'
import { EgressClient } from '#platform/egress/egress-client.js'
import { EgressPolicy, LOOPBACK_RULES } from '#platform/egress/egress-policy.js'
import { type Receiver, startReceiver } from '#platform/egress/testing/receiver.js'
import { Log } from '#platform/observability/log.js'
import type { Doorbell } from '#platform/queues/doorbell.js'
import { CryptoRandom } from '#platform/secrets/random.js'
import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { HeldClock } from '#platform/testing/held-clock.js'
import { sealerForTests } from '#platform/testing/sealer-for-tests.js'
import { ClientEvent } from './client-event.entity.js'
import { DeliverEvent } from './deliver-event.js'
import type { DueEvent } from './events.jobs.js'
import { ListEvents } from './list-events.js'
import { RedeliverEvents } from './redeliver-events.js'
import { SetEventUrl } from './set-event-url.js'
import { SweepEvents } from './sweep-events.js'

describe('an event', () => {
  const db = databaseForTests([Client, ClientSecret, ClientEvent])
  const clock = new HeldClock()
  const random = new CryptoRandom()
  const log = new Log('silent')
  const policy = new EgressPolicy({ allow: LOOPBACK_RULES })
  const unsigned = {
    keysOf: async () => ({}),
    headersFor: (_keys: object, { id }: { id: string }) => ({ 'webhook-id': id }),
  } as never
  const rung: DueEvent[] = []
  const doorbell = { ringNow: async (_job: object, due: DueEvent[]) => void rung.push(...due) } as unknown as Doorbell
  let egress: EgressClient
  let receiver: Receiver
  let answer: (response: ServerResponse) => void
  let deliverEvent: DeliverEvent
  let url: string

  beforeAll(async () => {
    egress = new EgressClient(policy)
    receiver = await startReceiver((_request, response) => answer(response))
    url = `http://127.0.0.1:${receiver.port}/events`
    for (const id of ['cli_1', 'cli_2'])
      await sql(
        `insert into clients (id, name, redirect_uris, callback_origins, sealed_signing_secret, created_at)
         values (?, 'x', '{}', array[?], '', now())`,
        [id, new URL(url).origin],
      )
  })
  beforeEach(async () => {
    for (const table of ['client_events', 'callback_hosts', 'service_accounts', 'audit_arrivals'])
      await sql(`delete from ${table}`)
    await sql('update clients set event_url = null, disabled_at = null')
    await sql(`update clients set event_url = ? where id = 'cli_1'`, [url])
    answer = (response) => response.end()
    const settings = { totalTimeoutMs: seconds(10) } as never
    const parts = new DeliveryParts(db.database, clock, random, egress, policy, log, settings, 8)
    deliverEvent = new DeliverEvent(db.database, unsigned, parts)
  })
  afterAll(async () => {
    await receiver.close()
    await egress.close()
  })

  const sql = <Row>(text: string, values: unknown[] = []) => db.database.read((em) => em.execute<Row[]>(text, values))
  const events = () => db.database.read((em) => em.find(ClientEvent, {}, { orderBy: { createdAt: 'asc' } }))
  const failing = (status: number) => {
    answer = (response) => response.writeHead(status).end()
  }
  const sweep = async () => {
    rung.length = 0
    await new SweepEvents(db.database, clock, doorbell).sweep()
    return [...rung]
  }
  /** Something happens to the service account of this client. */
  const announce = async (client = 'cli_1') => {
    const id = `ser_${client}_${random.bytes(4).toString('hex')}`
    await sql(
      `insert into service_accounts (id, client_id, provider, organisation_id, organisation_name, domains,
         administrator_email, credential_source, credential_version, scope, delegated_scope, created_at, updated_at)
       values (?, ?, 'google', ?, 'Acme', '{}', 'a@acme.test', 'operator', 'v', '{}', '{}', now(), now())`,
      [id, client, id],
    )
    await new RevokeServiceAccounts(db.database, clock, log).revoke(id)
    return id
  }

  it('is announced with the change, to a client that wants to know, and to no other', async () => {
    await announce('cli_2')
    expect(await events()).toEqual([])
    const id = await announce()
    expect(await events()).toMatchObject([
      { clientId: 'cli_1', type: 'service_account.revoked', serviceAccountId: id, delivery: 'waiting' },
    ])
    expect((await events())[0]!.id).toMatch(/^evt_[0-9a-f]{24}$/)
  })

  it('is told once, however many try, and is on record', async () => {
    const id = await announce()
    const [due] = await sweep()
    const before = receiver.requests.length
    await Promise.all([deliverEvent.deliver(due!), deliverEvent.deliver(due!), deliverEvent.deliver(due!)])
    const [request, ...others] = receiver.requests.slice(before)
    expect(others).toEqual([])
    expect(JSON.parse(request!.body)).toEqual({
      type: 'service_account.revoked',
      timestamp: clock.now().toISOString(),
      data: {
        ...{ service_account_id: id, provider: 'google', organisation_id: id, organisation_name: 'Acme' },
        ...{ state: 'revoked', reason: null, since: clock.now().toISOString() },
      },
    })
    expect(await events()).toMatchObject([{ delivery: 'delivered', attempts: 1, lastStatus: 200, ringAt: null }])
    const acts = await sql<{ act: string }>(`select act from audit_arrivals where act like 'event.%'`)
    expect(acts).toEqual([{ act: 'event.delivered' }])
    expect(await sweep()).toEqual([])
  })

  it('keeps its id through all of the schedule, is abandoned and listed, and is told again when the operator says so', async () => {
    failing(500)
    await announce()
    const [due] = await sweep()
    const before = receiver.requests.length
    for (let next: Date | null = clock.now(); next; next = await deliverEvent.deliver(due!))
      clock.advance(next.getTime() - clock.now().getTime())
    const tried = receiver.requests.slice(before)
    expect(tried).toHaveLength(DELIVERY_SCHEDULE.length)
    expect(new Set(tried.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([due!.eventId]))
    expect(new Set(tried.map(({ body }) => body)).size).toBe(1)

    const list = new ListEvents(db.database)
    const { rows: dead } = await list.list({ client: 'cli_1', delivery: 'abandoned', limit: 10 })
    expect(dead).toMatchObject([{ id: due!.eventId, abandonedBecause: 'schedule_used_up', lastStatus: 500 }])

    answer = (response) => response.end()
    const redeliver = new RedeliverEvents(db.database, clock, log)
    expect(await redeliver.redeliverSome({ client: 'cli_2' })).toMatchObject({ redelivered: 0 })
    expect(await redeliver.redeliverSome({ client: 'cli_1' })).toMatchObject({ redelivered: 1, done: true })
    expect(await redeliver.redeliverSome({ event: due!.eventId })).toMatchObject({ redelivered: 0 })
    expect(await sweep()).toEqual([due])
    await deliverEvent.deliver(due!)
    expect(receiver.requests.at(-1)!.headers['webhook-id']).toBe(due!.eventId)
    expect(await events()).toMatchObject([{ delivery: 'delivered' }])
  })

  it('waits for a host that fails, which is spared with the callbacks to it', async () => {
    failing(503)
    await sql(
      `insert into callback_hosts (client_id, host, failures, failed_probes, failing_since, open_until, last_failure)
       values ('cli_1', ?, ${OPENS_AFTER}, 0, ?, ?, 'status 503')`,
      [new URL(url).host, clock.now(), new Date(clock.now().getTime() + minutes(1))],
    )
    await announce()
    const [due] = await sweep()
    const before = receiver.requests.length
    expect((await deliverEvent.deliver(due!))!.getTime()).toBeGreaterThanOrEqual(clock.now().getTime() + minutes(1))
    expect(receiver.requests).toHaveLength(before)
    expect(await events()).toMatchObject([{ delivery: 'waiting', attempts: 0 }])
  })

  it('goes where the client wants it by then, or nowhere when it is not wanted any more', async () => {
    const clients = new Clients(clock, random, sealerForTests())
    const setUrl = new SetEventUrl(db.database, clock, clients, policy, log)
    await announce()
    await setUrl.set('cli_1', `${url}/v2`)
    const [due] = await sweep()
    await deliverEvent.deliver(due!)
    expect(receiver.requests.at(-1)!.url).toBe('/events/v2')

    await announce()
    await setUrl.set('cli_1', null)
    const [unwanted] = await sweep()
    const before = receiver.requests.length
    expect(await deliverEvent.deliver(unwanted!)).toBeNull()
    expect(receiver.requests).toHaveLength(before)
    expect((await events()).at(-1)).toMatchObject({
      delivery: 'abandoned',
      abandonedBecause: 'withdrawn',
      ringAt: null,
    })
  })

  it.each([
    ['https://elsewhere.test/events', 'errors.not_registered'],
    ['http://10.0.0.1/events', 'errors.not_allowed'],
    ['events', 'errors.not_allowed'],
  ])('cannot be sent to %s', async (text, key) => {
    const clients = new Clients(clock, random, sealerForTests())
    const setUrl = new SetEventUrl(db.database, clock, clients, policy, log)
    await expect(setUrl.set('cli_1', text)).rejects.toMatchObject({ problems: { event_url: [{ key }] } })
  })
})
