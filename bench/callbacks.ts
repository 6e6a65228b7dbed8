import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import type { Mailbox } from '../apps/demo/saas-backend.js'
import { startChild } from './child.js'
import type { FloorOrder } from './floor-callbacks.js'
import { type Ground, MAILBOXES } from './ground.js'
import { type BenchedMandate, startMandate } from './mandate.js'
import { compare, type Scenario } from './scenario.js'

const WARM_UP = 500
const ROUND = 1_500
const SCOPES = ['calendar.calendarlist.readonly', 'calendar.events.readonly', 'calendar.freebusy']

/** Delegated access end to end at Google: from the first request to the last callback at the receiver. */
export const callbacks = (queue: 'redis' | 'postgres'): Scenario => ({
  name: `callbacks-${queue}`,
  about: `delegated access end to end, queues on ${queue}; the floor does the same I/O with nothing around it`,
  async run(ground, rounds, say) {
    const name = `callbacks-${queue}`
    const redisUrl = queue === 'redis' ? ground.redisUrl : null
    if (queue === 'redis' && !redisUrl) return null
    const databaseUrl = await ground.createDatabase(name)
    await using mandate = await startMandate(ground, { databaseUrl, redisUrl })
    await mandate.startWorker()
    const people = strangers()
    const ours = (mailboxes: number) => roundTrips(ground, mandate, people, mailboxes)
    await using floor = await startChild<FloorOrder, 'ready'>(
      'floor-callbacks.js',
      floorOrder(ground, databaseUrl, redisUrl),
    )
    const floorRound = async (mailboxes: number) => {
      floor.child.send(mailboxes)
      const [milliseconds] = await once(floor.child, 'message')
      return (mailboxes / milliseconds) * 1000
    }
    await floorRound(WARM_UP)
    await ours(WARM_UP)
    const contest = { name, unit: 'callbacks/s', rounds, pieces: ROUND, directory: ground.directory, say }
    return [await compare(contest, { floor: { round: () => floorRound(ROUND) }, ours: { round: () => ours(ROUND) } })]
  },
})

/** Callbacks a second. */
export async function roundTrips(
  ground: Ground,
  { saas, serviceAccount }: Pick<BenchedMandate, 'saas' | 'serviceAccount'>,
  people: Iterator<Mailbox>,
  mailboxes: number,
): Promise<number> {
  const before = await received(ground)
  const wanted = Array.from({ length: mailboxes }, () => people.next().value)
  const begun = performance.now()
  await saas.requestAccess(serviceAccount, wanted)
  while ((await received(ground)) - before < mailboxes) {
    if (performance.now() - begun > 120_000) throw new Error('Callbacks are missing after two minutes.')
    await pause(50)
  }
  return (mailboxes / (performance.now() - begun)) * 1000
}

function floorOrder(
  { googleUrl, receiverUrl, operator }: Ground,
  databaseUrl: string,
  redisUrl: string | null,
): FloorOrder {
  const account = { email: operator.googleKeyFile.client_email, privateKey: operator.googleKeyFile.private_key }
  const scope = SCOPES.map((name) => `https://www.googleapis.com/auth/${name}`).join(' ')
  return { databaseUrl, redisUrl, googleUrl, receiverUrl, account, scope }
}

/** Nobody is asked for twice: a provider token is kept for most of an hour, and the floor keeps none. */
export function* strangers(most = MAILBOXES): Generator<Mailbox, never> {
  for (let number = 1; number <= most; number++)
    yield { email: `user${String(number).padStart(5, '0')}@acme.test`, provider: 'google' }
  throw new Error(`More than ${most} mailboxes were asked for: choose fewer rounds.`)
}

export async function received({ receiverUrl }: Ground): Promise<number> {
  const answer = await fetch(`${receiverUrl}/__sandbox/state`)
  return ((await answer.json()) as { deliveries: number }).deliveries
}
