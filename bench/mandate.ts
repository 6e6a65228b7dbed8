import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type Cronofy from 'cronofy'
import { authoriseGoogle, authoriseMicrosoft } from '../apps/demo/administrator.js'
import { freePort } from '../apps/demo/free-port.js'
import { runCli } from '../apps/demo/mandate-process.js'
import { answersOk, NodeProcess } from '../apps/demo/node-process.js'
import { type Mailbox, SaasBackend } from '../apps/demo/saas-backend.js'
import { ADMIN_CONSOLE } from '../apps/sandbox/google/admin-console.routes.js'
import type { Ground } from './ground.js'

const REDIRECT_URI = 'https://bench.test/connected'

/** The two production processes, with a client and its service account for one organisation. */
export interface BenchedMandate extends AsyncDisposable {
  url: string
  settings: Record<string, string>
  api: NodeProcess
  client: { id: string; secret: string }
  saas: SaasBackend
  serviceAccount: Cronofy
  startWorker(): Promise<NodeProcess>
}

export interface ClientOptions {
  /** Where its organisation is. */
  provider?: Mailbox['provider']
  /** Where it may be called back. */
  callbackOrigins?: readonly string[]
}

/** @param redisUrl null for queues on PostgreSQL */
export async function startMandate(
  ground: Ground,
  { databaseUrl, redisUrl }: { databaseUrl: string; redisUrl: string | null },
  options: ClientOptions = {},
): Promise<BenchedMandate> {
  const settings = await settingsFor(ground, { databaseUrl, redisUrl })
  const url = `http://127.0.0.1:${settings.PORT}`
  const api = NodeProcess.start('api/main.js', settings)
  const running = [api]
  const startWorker = async () => {
    const worker = NodeProcess.start('worker/main.js', settings)
    running.push(worker)
    await worker.until(() => worker.said.includes('application.running'))
    return worker
  }
  const stop = async () => {
    for (const process of running.toReversed()) await process.stop()
  }
  try {
    await api.until(() => answersOk(`${url}/health/ready`))
    const client = await addClient(ground, settings, url, options)
    return { url, settings, api, startWorker, ...client, [Symbol.asyncDispose]: stop }
  } catch (error) {
    await stop()
    throw error
  }
}

export async function settingsFor(
  { googleUrl, microsoftUrl }: Ground,
  { databaseUrl, redisUrl }: { databaseUrl: string; redisUrl: string | null },
): Promise<Record<string, string>> {
  return {
    PORT: `${await freePort()}`,
    DATABASE_URL: databaseUrl,
    ...(redisUrl ? { REDIS_URL: redisUrl } : {}),
    // What one scenario leaves in the queue is no other's work.
    MANDATE_QUEUE_PREFIX: new URL(databaseUrl).pathname.slice(1),
    MANDATE_ENCRYPTION_KEYS: `bench:${Buffer.alloc(32, 1).toString('base64')}`,
    MANDATE_ADMIN_KEY: 'b'.repeat(32),
    MANDATE_EGRESS_ALLOW: '127.0.0.1',
    MANDATE_SANDBOX_GOOGLE_URL: googleUrl,
    MANDATE_SANDBOX_MICROSOFT_URL: microsoftUrl,
  }
}

/** One more with a service account of its own for that organisation. */
export async function addClient(
  ground: Ground,
  settings: Record<string, string>,
  mandateUrl: string,
  { provider = 'google', callbackOrigins = [ground.receiverUrl] }: ClientOptions = {},
) {
  const named = ['--name', 'Bench', '--redirect-uri', REDIRECT_URI]
  const origins = callbackOrigins.flatMap((origin) => ['--callback-origin', origin])
  const { client_id: id = '', client_secret: secret = '' } = await runCli(
    settings,
    'clients',
    'create',
    ...named,
    ...origins,
  )
  await runCli(settings, 'providers', 'set', provider, ...(await credentialAt(provider, ground)))
  const callbackUrl = `${ground.receiverUrl}/callbacks`
  const saas = new SaasBackend({ clientId: id, clientSecret: secret, mandateUrl, callbackUrl })
  const link = `${mandateUrl}/enterprise_connect/oauth/authorize?${new URLSearchParams({
    response_type: 'code',
    client_id: id,
    redirect_uri: REDIRECT_URI,
    scope: 'service_account/accounts/manage',
    delegated_scope: 'read_only',
  })}`
  const consent = { link, redirectUri: REDIRECT_URI }
  const returned =
    provider === 'google'
      ? await authoriseGoogle({ ...consent, administrator: 'admin@acme.test' }, ground.googleUrl + ADMIN_CONSOLE)
      : await authoriseMicrosoft({ ...consent, administrator: 'admin@initech.test' })
  const serviceAccount = await saas.exchange(returned.searchParams.get('code') ?? '', REDIRECT_URI)
  return { client: { id, secret }, saas, serviceAccount }
}

/** What the operator holds there, as the CLI takes it. */
async function credentialAt(provider: Mailbox['provider'], { directory, operator }: Ground): Promise<string[]> {
  const { googleKeyFile, googleClient, microsoftApp } = operator
  if (provider === 'microsoft')
    return ['--client-id', microsoftApp.clientId, '--client-secret', microsoftApp.clientSecret]
  const keyFile = join(directory, 'google-key.json')
  await writeFile(keyFile, JSON.stringify(googleKeyFile), { mode: 0o600 })
  const signIn = ['--oauth-client-id', googleClient.clientId, '--oauth-client-secret', googleClient.clientSecret]
  return ['--service-account', keyFile, ...signIn]
}
