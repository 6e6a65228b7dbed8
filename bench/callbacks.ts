import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { authoriseGoogle } from '../apps/demo/administrator.js'
import { runCli } from '../apps/demo/mandate-process.js'
import { answersOk, freePort, NodeProcess } from '../apps/demo/node-process.js'
import { type Mailbox, SaasBackend } from '../apps/demo/saas-backend.js'
import { ADMIN_CONSOLE } from '../apps/sandbox/google/admin-console.routes.js'
import type { FloorOrder } from './floor-callbacks.js'
import { type Ground, MAILBOXES } from './ground.js'
import { resultOf, type Scenario } from './scenario.js'

const REDIRECT_URI = 'https://bench.test/connected'
const WARM_UP = 500
const ROUND = 1_500
const SCOPES = ['calendar.calendarlist.readonly', 'calendar.events.readonly', 'calendar.freebusy']

interface Contender {
  /** Callbacks a second. */
  round(mailboxes: number): Promise<number>
  stop(): Promise<void>
}

/** Delegated access end to end at Google: from the first request to the last callback at the receiver. */
export const callbacks = (queue: 'redis' | 'postgres'): Scenario => ({
  name: `callbacks-${queue}`,
  async run(ground, rounds, say) {
    const redisUrl = queue === 'redis' ? ground.redisUrl : null
    if (queue === 'redis' && !redisUrl) return null
    const mandate = await startMandate(ground, redisUrl)
    const floor = await startFloor(ground, redisUrl)
    try {
      const figures = { ours: [] as number[], floor: [] as number[] }
      await floor.round(WARM_UP)
      await mandate.round(WARM_UP)
      for (let round = 1; round <= rounds; round++) {
        figures.floor.push(await floor.round(ROUND))
        figures.ours.push(await mandate.round(ROUND))
        const [floorRate, ourRate] = [figures.floor.at(-1)!.toFixed(0), figures.ours.at(-1)!.toFixed(0)]
        say(`callbacks-${queue}, round ${round}: floor ${floorRate}/s, ours ${ourRate}/s`)
      }
      return resultOf(`callbacks-${queue}`, 'callbacks/s', figures.ours, figures.floor)
    } finally {
      await floor.stop()
      await mandate.stop()
    }
  },
})

async function startFloor(ground: Ground, redisUrl: string | null): Promise<Contender> {
  const { databaseUrl, googleUrl, receiverUrl, operator } = ground
  const account = { email: operator.googleKeyFile.client_email, privateKey: operator.googleKeyFile.private_key }
  const scope = SCOPES.map((name) => `https://www.googleapis.com/auth/${name}`).join(' ')
  const order: FloorOrder = { databaseUrl, redisUrl, googleUrl, receiverUrl, account, scope }
  const child = fork(join(import.meta.dirname, 'floor-callbacks.js'))
  child.send(order)
  await once(child, 'message')
  return {
    round: async (mailboxes) => (mailboxes / (await asked(child, mailboxes))) * 1000,
    stop: async () => {
      child.kill()
      await once(child, 'exit')
    },
  }
}

async function asked(child: ChildProcess, mailboxes: number): Promise<number> {
  child.send(mailboxes)
  const [milliseconds] = await once(child, 'message')
  return milliseconds
}

/** The two production processes, one api and one worker, with a service account for the Google organisation. */
async function startMandate(ground: Ground, redisUrl: string | null): Promise<Contender> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const settings = {
    PORT: `${port}`,
    DATABASE_URL: ground.databaseUrl,
    ...(redisUrl ? { REDIS_URL: redisUrl } : {}),
    MANDATE_ENCRYPTION_KEYS: `bench:${Buffer.alloc(32, 1).toString('base64')}`,
    MANDATE_ADMIN_KEY: 'b'.repeat(32),
    MANDATE_EGRESS_ALLOW: '127.0.0.1',
    MANDATE_SANDBOX_GOOGLE_URL: ground.googleUrl,
  }
  const api = NodeProcess.start('api/main.js', settings)
  await api.until(() => answersOk(`${url}/health/ready`))
  const worker = NodeProcess.start('worker/main.js', settings)
  await worker.until(() => worker.said.includes('application.running'))
  const stop = async () => {
    await worker.stop()
    await api.stop()
  }
  try {
    const { saas, serviceAccount } = await setUp(ground, settings, url)
    const people = strangers()
    const round = async (mailboxes: number) => {
      const before = await received(ground)
      const wanted = Array.from({ length: mailboxes }, () => people.next().value)
      const begun = performance.now()
      await saas.requestAccess(serviceAccount, wanted)
      while ((await received(ground)) - before < mailboxes) {
        if (performance.now() - begun > 120_000)
          throw new Error(`Callbacks are missing after two minutes:\n${worker.said}`)
        await pause(20)
      }
      return (mailboxes / (performance.now() - begun)) * 1000
    }
    return { round, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function setUp(ground: Ground, settings: Record<string, string>, mandateUrl: string) {
  const keyFile = join(ground.directory, 'google-key.json')
  await writeFile(keyFile, JSON.stringify(ground.operator.googleKeyFile), { mode: 0o600 })
  const { clientId: signInId, clientSecret: signInSecret } = ground.operator.googleClient
  const origin = ['--callback-origin', ground.receiverUrl]
  const client = await runCli(
    settings,
    'clients',
    'create',
    '--name',
    'Bench',
    '--redirect-uri',
    REDIRECT_URI,
    ...origin,
  )
  const signIn = ['--oauth-client-id', signInId, '--oauth-client-secret', signInSecret]
  await runCli(settings, 'providers', 'set', 'google', '--service-account', keyFile, ...signIn)
  const { client_id: clientId = '', client_secret: clientSecret = '' } = client
  const saas = new SaasBackend({ clientId, clientSecret, mandateUrl, callbackUrl: `${ground.receiverUrl}/callbacks` })
  const link = `${mandateUrl}/enterprise_connect/oauth/authorize?${new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: REDIRECT_URI,
    scope: 'service_account/accounts/manage',
    delegated_scope: 'read_only',
  })}`
  const consent = { link, redirectUri: REDIRECT_URI, administrator: 'admin@acme.test' }
  const returned = await authoriseGoogle(consent, ground.googleUrl + ADMIN_CONSOLE)
  return { saas, serviceAccount: await saas.exchange(returned.searchParams.get('code') ?? '', REDIRECT_URI) }
}

/** Nobody is asked for twice: a provider token is kept for most of an hour, and the floor keeps none. */
function* strangers(): Generator<Mailbox, never> {
  for (let number = 1; number <= MAILBOXES; number++)
    yield { email: `user${String(number).padStart(5, '0')}@acme.test`, provider: 'google' }
  throw new Error(`More than ${MAILBOXES} mailboxes were asked for: choose fewer rounds.`)
}

async function received({ receiverUrl }: Ground): Promise<number> {
  const answer = await fetch(`${receiverUrl}/__sandbox/deliveries?limit=1&path=/none`)
  return ((await answer.json()) as { total: number }).total
}
