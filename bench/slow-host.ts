import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { type BenchedMandate, startMandate } from './mandate.js'
import { compare, type Scenario } from './scenario.js'

/** Hosts that answer (a client may have fifty callback origins in all), and how many of their callbacks are timed. */
const HEALTHY = 48
const TIMED = 500
const TIMED_PER_SECOND = 25
/** Callbacks that wait for the hosts that hang, all of them asked for before the timed ones. */
const QUEUED = 1_000
const BATCH = 50

/**
 * How long a client waits from its 202 to the callback, 99 of a hundred times, while one host of its hangs or two do. The floor is
 * the same run with the same host answering. Each round has a Mandate of its own: breakers and waiting rows of one are no
 * other's.
 */
export const slowHost: Scenario = {
  name: 'slow-host',
  about: `p99 from 202 to callback at ${HEALTHY} hosts while one hangs, or two; the floor is the same run where none does`,
  takesLong: true,
  async run(ground, rounds, say) {
    let runs = 0
    const round = (slow: number, hanging: number) => async () => {
      runs += 1
      await using hosts = await Hosts.open(HEALTHY + slow, hanging)
      const databaseUrl = await ground.createDatabase(`slow-host-${runs}`)
      const stores = { databaseUrl, redisUrl: ground.redisUrl }
      await using mandate = await startMandate(ground, stores, { callbackOrigins: hosts.urls })
      await mandate.startWorker()
      return await timeCallbacks(mandate, hosts, slow)
    }
    const results = []
    for (const slow of [1, 2]) {
      const name = slow === 1 ? 'slow-host' : 'two-slow-hosts'
      const contest = { name, unit: 'ms', rounds, pieces: TIMED, directory: ground.directory, say }
      results.push(await compare(contest, { floor: { round: round(slow, 0) }, ours: { round: round(slow, slow) } }))
    }
    return results
  },
}

async function timeCallbacks(mandate: BenchedMandate, hosts: Hosts, slow: number): Promise<number> {
  const token = mandate.serviceAccount.config.access_token ?? ''
  const answering = hosts.urls.slice(slow)
  const ask = async (mailboxes: { number: number; host: string }[]) => {
    const items = mailboxes.map(({ number, host }) => ({
      email: `user${String(number).padStart(5, '0')}@acme.test`,
      callback_url: `${host}/callbacks`,
      scope: 'read_only',
      state: String(number),
    }))
    const answer = await fetch(`${mandate.url}/v1/service_account_authorizations`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ service_account_authorizations: items }),
    })
    if (answer.status !== 202) throw new Error(`asking was answered with ${answer.status}: ${await answer.text()}`)
    return performance.now()
  }
  for (let first = 1; first <= QUEUED; first += BATCH)
    await ask(Array.from({ length: BATCH }, (_, n) => ({ number: first + n, host: hosts.urls[n % slow]! })))
  await allDecided(mandate)

  const accepted = new Map<string, number>()
  const begun = performance.now()
  for (let n = 0; n < TIMED; n++) {
    await pause(Math.max(0, begun + (n * 1000) / TIMED_PER_SECOND - performance.now()))
    const number = QUEUED + 1 + n
    accepted.set(String(number), await ask([{ number, host: answering[n % answering.length]! }]))
  }
  const missing = () => [...accepted.keys()].filter((state) => !hosts.arrivals.has(state))
  while (missing().length > 0) {
    if (performance.now() - begun > 180_000) throw new Error(`${missing().length} callbacks are missing`)
    await pause(50)
  }
  const waits = [...accepted].map(([state, at]) => Math.max(0, hosts.arrivals.get(state)! - at)).sort((a, b) => a - b)
  return waits[Math.floor(waits.length * 0.99)]!
}

async function allDecided({ url, settings }: BenchedMandate): Promise<void> {
  for (let undecided = 1; undecided > 0; ) {
    await pause(100)
    const headers = { authorization: `Bearer ${settings.MANDATE_ADMIN_KEY}` }
    const answer = await fetch(`${url}/admin/v1/backlog`, { headers })
    undecided = ((await answer.json()) as { undecided: number }).undecided
  }
}

/** Receivers, a port each; the first so many never answer. */
class Hosts implements AsyncDisposable {
  /** When the callback about a state first came. */
  readonly arrivals = new Map<string, number>()
  readonly #servers: Server[] = []

  static async open(count: number, hanging: number): Promise<Hosts> {
    const hosts = new Hosts()
    for (let n = 0; n < count; n++) {
      const server = createServer(async (request, response) => {
        const chunks: Buffer[] = []
        for await (const chunk of request) chunks.push(chunk)
        const { state } = JSON.parse(Buffer.concat(chunks).toString()).authorization
        if (!hosts.arrivals.has(state)) hosts.arrivals.set(state, performance.now())
        if (n >= hanging) response.end()
      })
      await once(server.listen(0, '127.0.0.1'), 'listening')
      hosts.#servers.push(server)
    }
    return hosts
  }

  get urls(): string[] {
    return this.#servers.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers) {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    }
  }
}
