import type { ServerResponse } from 'node:http'
import { CallbackHost } from '#domain/deliveries/callback-host.entity.js'
import { DeliveryParts } from '#domain/deliveries/deliver-message.js'
import { Account } from '#domain/grants/account.entity.js'
import { Code } from '#domain/grants/code.entity.js'
import { Codes } from '#domain/grants/codes.js'
import { Grant } from '#domain/grants/grant.entity.js'
import { seconds } from '#platform/clock/clock.js'
import { EgressClient } from '#platform/egress/egress-client.js'
import { EgressPolicy, LOOPBACK_RULES } from '#platform/egress/egress-policy.js'
import { type Receiver, startReceiver } from '#platform/egress/testing/receiver.js'
import { Log } from '#platform/observability/log.js'
import { RandomSource } from '#platform/secrets/random.js'
import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { HeldClock } from '#platform/testing/held-clock.js'
import { CallbackAttempt, DelegatedAccessRequest } from '../delegated-access-request.entity.js'
import { DeliverCallback } from '../deliver-callback.js'

/** No jitter, so that times can be named. */
class MiddleOfTheRange extends RandomSource {
  #made = 0
  bytes(length: number) {
    this.#made += 1
    return Buffer.alloc(length, `${this.#made}.`)
  }
  integer(below: number) {
    return below / 2
  }
}

/** How many jobs a worker has in hand at once. */
export const CONCURRENCY = 8

/** Callbacks to be delivered, a receiver that answers each test as that likes, and another that is always well. */
export function callbacksForTests() {
  const ground = databaseForTests([Account, Grant, Code, DelegatedAccessRequest, CallbackAttempt, CallbackHost])
  const clock = new HeldClock()
  const random = new MiddleOfTheRange()
  const policy = new EgressPolicy({ allow: LOOPBACK_RULES })
  const unsigned = { keysOf: async () => ({}), headersFor: () => ({}) } as never
  const log = new Log('silent')
  let egress: EgressClient
  let receiver: Receiver
  let other: Receiver
  let answer: (response: ServerResponse) => void
  let requests = 0

  const worker = () => {
    const settings = { totalTimeoutMs: seconds(10) } as never
    const parts = new DeliveryParts(ground.database, clock, random, egress, policy, log, settings, CONCURRENCY)
    return new DeliverCallback(ground.database, new Codes(clock, random), unsigned, parts)
  }
  let deliverCallback: DeliverCallback

  beforeAll(async () => {
    for (const [id, client] of [
      ['ser_1', 'cli_acme'],
      ['ser_2', 'cli_globex'],
    ]) {
      await sql(`insert into clients (id, name, redirect_uris, callback_origins, sealed_signing_secret, created_at)
        values ('${client}', 'A client', '{}', '{}', '', now())`)
      await sql(`insert into service_accounts (id, client_id, provider, organisation_id, organisation_name, domains,
        administrator_email, credential_source, credential_version, scope, delegated_scope, created_at, updated_at)
        values ('${id}', '${client}', 'google', '${id}', 'Acme', '{}', 'a@acme.test', 'operator', 'v', '{}', '{}', now(), now())`)
    }
    egress = new EgressClient(policy)
    receiver = await startReceiver((_request, response) => answer(response))
    other = await startReceiver((_request, response) => response.end())
  })
  beforeEach(async () => {
    await sql('delete from callback_attempts')
    await sql('delete from delegated_access_requests')
    await sql('delete from callback_hosts')
    answer = (response) => response.end()
    deliverCallback = worker()
  })
  afterAll(async () => {
    await Promise.all([receiver.close(), other.close()])
    await egress.close()
  })

  const sql = <Row>(text: string, values: unknown[] = []) =>
    ground.database.read((em) => em.execute<Row[]>(text, values))
  const failing = (status = 503, headers = {}) => {
    answer = (response) => response.writeHead(status, headers).end()
  }
  const hostOf = ({ port }: Receiver) => `127.0.0.1:${port}`

  /** Refused by the provider, so that there is something to tell and no grant to make up. */
  async function denied({ to = receiver, ser = 'ser_1', url = '' } = {}): Promise<string> {
    requests += 1
    const id = `dar_${requests.toString(16).padStart(24, '0')}`
    await sql(
      `insert into delegated_access_requests (id, client_id, service_account_id, fingerprint, email, callback_url,
         callback_host, scope, decision, error, callback, ring_at, created_at, decided_at)
       select ?, client_id, id, '', 'anna@acme.test', ?, ?, '{}', 'denied', 'access_denied', 'waiting', ?::timestamptz,
         ?::timestamptz, ?::timestamptz from service_accounts where id = ?`,
      [
        id,
        url || `http://${hostOf(to)}/cb`,
        new URL(url || `http://${hostOf(to)}`).host,
        clock.now(),
        clock.now(),
        clock.now(),
        ser,
      ],
    )
    return id
  }
  const deliver = (requestId: string, to = receiver, by = deliverCallback, clientId = 'cli_acme') =>
    by.deliver({ requestId, clientId, host: hostOf(to) })
  const row = (id: string) => ground.database.read((em) => em.findOneOrFail(DelegatedAccessRequest, { id }))
  const acts = async (id: string) =>
    (
      await sql<{ act: string; details: string }>('select act, details from audit_arrivals where subject = ?', [id])
    ).map(({ act, details }) => ({ act, details: JSON.parse(details) }))
  const failingHost = async () => (await ground.database.read((em) => em.find(CallbackHost, {})))[0]
  const waitOf = (next: Date | null) => (next === null ? null : next.getTime() - clock.now().getTime())

  return {
    ...{ clock, log, worker, sql, failing, hostOf, denied, deliver, row, acts, failingHost, waitOf },
    answerWith: (how: typeof answer) => {
      answer = how
    },
    get database() {
      return ground.database
    },
    get receiver() {
      return receiver
    },
    get other() {
      return other
    },
    get deliverCallback() {
      return deliverCallback
    },
  }
}
