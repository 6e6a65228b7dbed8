import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import type { Mailbox } from '../apps/demo/saas-backend.js'
import { startChild } from './child.js'
import type { FloorAnswer, FloorOrder, FloorRound } from './floor-callbacks.js'
import type { Calls } from './floor-providers.js'
import { type Ground, MAILBOXES } from './ground.js'
import { type BenchedMandate, startMandate } from './mandate.js'
import { alternate, resultOf, type Scenario } from './scenario.js'

/** By then V8 has compiled what either runs: a worker that has just begun takes half as much again for a mailbox. */
const WARM_UP = 3_000
const ROUND = 1_500
const SCOPES = ['calendar.calendarlist.readonly', 'calendar.events.readonly', 'calendar.freebusy', 'userinfo.email']

type Provider = Mailbox['provider']

/**
 * Delegated access end to end: from the first request to the last callback at the receiver. Beside the floor, which makes no
 * call to the provider that it can do without, is another one that makes the calls we make.
 */
export const callbacks = (queue: 'redis' | 'postgres', provider: Provider = 'google'): Scenario => ({
  name: nameOf(queue, provider),
  about: `delegated access end to end at ${provider}, queues on ${queue}; the floor does the same I/O with nothing around it`,
  async run(ground, rounds, say) {
    const name = nameOf(queue, provider)
    const redisUrl = queue === 'redis' ? ground.redisUrl : null
    if (queue === 'redis' && !redisUrl) return null
    const databaseUrl = await ground.createDatabase(name)
    await using mandate = await startMandate(ground, { databaseUrl, redisUrl }, { provider })
    await mandate.startWorker()
    const people = strangers(provider)
    const ours = (mailboxes: number) => roundTrips(ground, mandate, people, mailboxes)
    await using floor = await startChild<FloorOrder, 'ready'>(
      'floor-callbacks.js',
      floorOrder(ground, provider, databaseUrl, redisUrl),
    )
    const floorRound = async (many: number, calls: Calls) => {
      const sameEachTime = strangers(provider)
      const mailboxes = Array.from({ length: many }, () => sameEachTime.next().value.email)
      const round: FloorRound = { mailboxes, calls }
      floor.child.send(round)
      const [answer] = (await once(floor.child, 'message')) as [FloorAnswer]
      if ('problem' in answer) throw new Error(`The floor: ${answer.problem}`)
      return (many / answer.milliseconds) * 1000
    }
    await floorRound(WARM_UP, 'same')
    await ours(WARM_UP)
    const contest = { name, unit: 'callbacks/s', rounds, pieces: ROUND, directory: ground.directory, say }
    const figures = await alternate(contest, {
      floor: { round: () => floorRound(ROUND, 'least') },
      ours: { round: () => ours(ROUND) },
      'floor with our calls': { round: () => floorRound(ROUND, 'same') },
    })
    const withOurCalls = { ours: figures.ours, floor: figures['floor with our calls'] }
    return [resultOf(name, contest.unit, figures), resultOf(`${name}-calls`, contest.unit, withOurCalls)]
  },
})

const nameOf = (queue: string, provider: Provider) =>
  provider === 'google' ? `callbacks-${queue}` : `callbacks-${provider}-${queue}`

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

function floorOrder(ground: Ground, provider: Provider, databaseUrl: string, redisUrl: string | null): FloorOrder {
  const { receiverUrl, operator: credential } = ground
  const url = provider === 'google' ? ground.googleUrl : ground.microsoftUrl
  const scope = SCOPES.map((name) => `https://www.googleapis.com/auth/${name}`).join(' ')
  return { provider, url, credential, scope, databaseUrl, redisUrl, receiverUrl }
}

const DOMAIN: Record<Provider, string> = { google: 'acme.test', microsoft: 'initech.test' }

/** As the stand-ins make them up. Nobody is asked for twice: a provider token is kept for most of an hour, and the floor keeps none. */
export function* strangers(provider: Provider = 'google', most = MAILBOXES): Generator<Mailbox, never> {
  for (let number = 1; number <= most; number++)
    yield { email: `user${String(number).padStart(5, '0')}@${DOMAIN[provider]}`, provider }
  throw new Error(`More than ${most} mailboxes were asked for: choose fewer rounds.`)
}

export async function received({ receiverUrl }: Ground): Promise<number> {
  const answer = await fetch(`${receiverUrl}/__sandbox/state`)
  return ((await answer.json()) as { deliveries: number }).deliveries
}
