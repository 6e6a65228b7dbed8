import { setTimeout as pause } from 'node:timers/promises'
import { received, roundTrips, strangers } from './callbacks.js'
import type { Ground } from './ground.js'
import { addClient, type BenchedMandate, startMandate } from './mandate.js'
import { compare, type Scenario } from './scenario.js'

const NAME = 'fair-share'
/** Of the one who wants much. */
const MANY = 3_000
const WARM_UP = 500
type Client = Pick<BenchedMandate, 'saas' | 'serviceAccount'>

/**
 * How long one client waits for one mailbox while another has thousands in the queue. The floor is the same wait while
 * nobody else wants anything. Milliseconds: without turns ours would be most of the other's time.
 */
export const fairShare: Scenario = {
  name: NAME,
  about: 'the wait for one mailbox behind thousands of another client; the floor is that wait alone',
  async run(ground, rounds, say) {
    const databaseUrl = await ground.createDatabase(NAME)
    await using mandate = await startMandate(ground, { databaseUrl, redisUrl: ground.redisUrl })
    await mandate.startWorker()
    const other = await addClient(ground, mandate.settings, mandate.url)
    const people = strangers()
    await roundTrips(ground, mandate, people, WARM_UP)
    const one = () => waitOf(ground, other, people.next().value.email)
    const ours = async () => {
      const wanted = Array.from({ length: MANY }, () => people.next().value)
      const begun = performance.now()
      const before = await received(ground)
      await mandate.saas.requestAccess(mandate.serviceAccount, wanted)
      const wait = await one()
      while ((await received(ground)) - before < MANY + 1) await pause(50)
      const seconds = (performance.now() - begun) / 1000
      say(
        `${NAME}: the one was told after ${wait.toFixed(0)} ms, the ${MANY} of the other took ${seconds.toFixed(1)} s`,
      )
      return wait
    }
    const contest = { name: NAME, unit: 'ms', rounds, pieces: MANY, directory: ground.directory, say }
    return [await compare(contest, { floor: { round: one }, ours: { round: ours } })]
  },
}

/** From the request to the callback, in milliseconds. */
async function waitOf({ receiverUrl }: Ground, { saas, serviceAccount }: Client, email: string): Promise<number> {
  const asked = new URLSearchParams({ contains: JSON.stringify(email), limit: '1' })
  const begun = performance.now()
  await saas.requestAccess(serviceAccount, [{ email, provider: 'google' }])
  for (;;) {
    const answer = await fetch(`${receiverUrl}/__sandbox/deliveries?${asked}`)
    const { deliveries } = (await answer.json()) as { deliveries: unknown[] }
    if (deliveries.length > 0) return performance.now() - begun
    if (performance.now() - begun > 120_000) throw new Error(`Nobody was told about ${email} within two minutes.`)
    await pause(10)
  }
}
