import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { until } from '#platform/testing/until.js'
import type { MandateUnderFaults } from './mandate-under-faults.js'

/** Every fail-point that the sources have, so that a new one is tested as soon as it is written. */
function failPoints(libraries: string): string[] {
  const sources = readdirSync(libraries, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.includes('.spec') && !name.includes('-spec'))
    .map((name) => readFileSync(join(libraries, name), 'utf8'))
  const names = sources.flatMap((text) => [...text.matchAll(/failPoint\('([a-z.-]+)'\)/g)].map(([, name]) => name!))
  return [...new Set(names)].sort()
}

/** Steps that run where requests are answered … */
const IN_THE_API = /^(accept-requests|redeem-code|rotate-refresh-token|redeliver-callback|revoke-service-accounts)\./
/** … and those that run in the worker. */
const IN_THE_WORKER = /^(mint-access|deliver-message|sweep-requests|doorbell)\./

const PATH = '/v1/service_account_authorizations'

/** What it takes to come by a point, beside asking for mailboxes. */
const ON_THE_WAY: [RegExp, (mandate: MandateUnderFaults) => Promise<unknown>][] = [
  [/^sweep-requests/, (mandate) => mandate.letAMinutePass()],
  [
    /postponed$/,
    async (mandate) => {
      mandate.sandbox.google.faults.add({ path: '/token', times: 1, answer: { status: 503, text: 'away' } })
      // Those that were asked for before may have been granted by now.
      await mandate.ask(1)
    },
  ],
  [
    /^redeliver-callback/,
    async (mandate) => {
      // One whose code has been exchanged is not told again.
      mandate.exchangesCodes = false
      await mandate.ask(1)
      await mandate.with(async ({ accessToken: token }, { id }) => {
        // Nor is one that has not been told yet.
        await until('it to be told', async () => {
          const { json } = await mandate.api.call('GET', `${PATH}/${id}`, { token })
          return json.callback === 'delivered'
        })
        await mandate.api.call('POST', `${PATH}/${id}/redeliver`, { token })
      })
    },
  ],
  [
    /^rotate-refresh-token/,
    (mandate) => mandate.with(({ client, refreshToken }) => mandate.api.refresh(client, refreshToken)),
  ],
  [/^revoke-service-accounts/, (mandate) => mandate.revokeSpare().catch(() => {})],
]

/** These end what others need, or come before anything is asked for: what they promise is shown by tests of their own. */
const ENDS_OR_BEGINS = /^(revoke-authorization|cancel-request|narrow-grants|migrate)\./
/** Accounts that their owners connect, for which nobody asks here; refresh-at-once lets processes die over their tokens. */
const OF_OWNERS = /^(accept-person-return|disconnect-account|user-credential)\./
/** The rotation of keys, which secret-rotation lets die. */
const OF_KEYS = /^(reseal-values|rewrap-data-keys|rotate-secrets)\./

/** The command of the operator that archives the audit, which audit-archive lets die. */
const OF_ARCHIVES = /^archive-audit\./

export const pointsOnThePath = (libraries: string) =>
  failPoints(libraries).filter((name) => IN_THE_API.test(name) || IN_THE_WORKER.test(name))

/** Whose step nobody has placed: it would be waited for in the wrong process, in vain. */
export const pointsNowhere = (libraries: string) =>
  failPoints(libraries).filter(
    (name) =>
      ![IN_THE_API, IN_THE_WORKER, ENDS_OR_BEGINS, OF_OWNERS, OF_KEYS, OF_ARCHIVES].some((steps) => steps.test(name)),
  )

/** At each of these points in turn a process dies with work in hand; the next life is started to die at the next. */
export async function dieAtEach(mandate: MandateUnderFaults, points: readonly string[], say = (_line: string) => {}) {
  for (const which of ['api', 'worker'] as const) {
    for (const point of points.filter((name) => IN_THE_API.test(name) === (which === 'api'))) {
      say(point)
      // Where there are several, the others are to die here too, and not where the one before died.
      await mandate.kill(which)
      await mandate.run(which, { MANDATE_FAIL_POINT: point })
      const asking = mandate.ask(3)
      await until(
        `the ${which} to die at ${point}`,
        async () => {
          if (mandate.hasDied(which)) return true
          for (const [pattern, go] of ON_THE_WAY) if (pattern.test(point)) await go(mandate)
          return null
        },
        { timeoutMs: 180_000, everyMs: 100 },
      )
      mandate.deaths += 1
      mandate.exchangesCodes = true
      // What the api did not live to answer is asked again in its next life.
      mandate.later(asking)
    }
    await mandate.kill(which)
    await mandate.run(which)
  }
}

/** Random deaths for so long, while tenants keep asking. */
export async function killAtRandom(mandate: MandateUnderFaults, requests: number, seconds: number): Promise<void> {
  const end = Date.now() + seconds * 1000
  const asking = mandate.ask(requests)
  while (Date.now() < end) {
    await pause(400 + Math.random() * 1600)
    const which = Math.random() < 0.7 ? 'worker' : 'api'
    await mandate.killOne(which)
    await mandate.run(which)
  }
  await asking
}

/** Asked to go with work in hand: goes, and leaves nothing undone. */
export async function stopWithWorkInHand(mandate: MandateUnderFaults, requests: number): Promise<number | null> {
  mandate.sandbox.receiver.standIn.faults.add({ path: '/*', delayMs: 100, times: requests })
  const before = mandate.told
  await mandate.ask(requests)
  await until('some to be told', () => mandate.told > before + requests / 4, { everyMs: 10, timeoutMs: 60_000 })
  const stopped = await mandate.kill('worker', 'SIGTERM')
  await mandate.run('worker')
  return stopped.exitCode
}

/** Longer than its locks: another has taken over by the time it wakes. */
export async function freeze(mandate: MandateUnderFaults, requests: number, seconds: number): Promise<void> {
  const asking = mandate.ask(requests)
  await pause(300)
  mandate.signal('worker', 'SIGSTOP')
  await pause(seconds * 1000)
  mandate.signal('worker', 'SIGCONT')
  mandate.deaths += 1
  await asking
}

/** The wall clock of the worker's machine is set while it works; the api's is not. */
export async function jumpClock(mandate: MandateUnderFaults, requests: number, hours: number): Promise<void> {
  await mandate.kill('worker', 'SIGTERM')
  // Told first: what it signs for the provider is timed by that clock, and a provider refuses one that is hours off.
  mandate.sandbox.receiver.standIn.faults.add({ path: '/*', times: requests, answer: { status: 404, text: 'not yet' } })
  // Nor is a code exchanged yet, which would be proof of delivery: all of them have to be told again by that clock.
  mandate.exchangesCodes = false
  await mandate.run('worker')
  const before = mandate.told
  await mandate.ask(requests)
  await until('everybody to be told once', () => mandate.told - before >= requests, { timeoutMs: 120_000 })
  await mandate.kill('worker', 'SIGTERM')
  mandate.exchangesCodes = true
  const shifted = `const real = Date; const by = ${hours * 3_600_000};
    globalThis.Date = class extends real { constructor(...time) { time.length ? super(...time) : super(real.now() + by) } static now() { return real.now() + by } }`
  await mandate.run('worker', { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(shifted)}` })
  await mandate.comeToRest()
  await mandate.kill('worker', 'SIGTERM')
}

/** As after `pg_ctl stop -m immediate`: every connection breaks, and what was not committed is gone. */
export async function crashPostgres(mandate: MandateUnderFaults, requests: number, times: number): Promise<void> {
  const asking = mandate.ask(requests)
  for (let time = 0; time < times; time++) {
    await pause(1500)
    mandate.deaths += mandate.processes
    await mandate.crashDatabase()
  }
  await asking
}

/** In the midst of everything, and then five times at rest: says how long one who asks right after it waits to be told. */
export async function terminateConnections(
  mandate: MandateUnderFaults,
  requests: number,
  say: (line: string) => void,
): Promise<void> {
  const terminate = () => {
    mandate.deaths += mandate.processes
    return mandate.terminateConnections()
  }
  const asking = mandate.ask(requests)
  for (let time = 0; time < 5; time++) {
    await pause(700)
    await terminate()
  }
  await asking
  const waits: number[] = []
  for (let time = 0; time < 5; time++) {
    await mandate.comeToRest()
    const before = mandate.told
    await terminate()
    const begun = performance.now()
    await mandate.ask(1)
    await until('it to be told', () => mandate.told > before, { everyMs: 10, timeoutMs: 60_000 })
    waits.push((performance.now() - begun) / 1000)
  }
  say(`  who asked next was told after ${waits.map((wait) => wait.toFixed(1)).join(', ')} s`)
}

/** The queue forgets what it held, or says nothing for a while, in the midst of everything. */
export async function loseQueue(
  mandate: MandateUnderFaults,
  requests: number,
  lose: () => Promise<unknown>,
): Promise<void> {
  mandate.sandbox.receiver.standIn.faults.add({ path: '/*', delayMs: 100, times: requests })
  const before = mandate.told
  const asking = mandate.ask(requests)
  await until('some to be told', () => mandate.told > before + requests / 10, { everyMs: 10, timeoutMs: 180_000 })
  mandate.deaths += 1
  await lose()
  await asking
}

/** One a second: the sweeper of every worker rings for those who wait, also of a worker that has never rung before. */
export async function letMinutesPass(mandate: MandateUnderFaults, minutes: number): Promise<void> {
  for (let minute = 0; minute < minutes; minute++) {
    await mandate.letAMinutePass()
    await pause(1_000)
  }
}
