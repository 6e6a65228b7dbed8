import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { ADMIN_CONSOLE } from '../sandbox/google/admin-console.routes.js'
import { type Sandbox, startSandbox } from '../sandbox/sandbox.js'
import { defaultSeed, type OperatorCredentials } from '../sandbox/seed/default-seed.js'
import type { SandboxSeed } from '../sandbox/seed/seed-schema.js'
import { authoriseGoogle, authoriseMicrosoft } from './administrator.js'
import { MandateProcess } from './mandate-process.js'
import { type Mailbox, SaasBackend } from './saas-backend.js'
import { Tally } from './tally.js'

const REDIRECT_URI = 'https://scheduler.demo.test/connected'
const PATIENCE_MS = 120_000

export interface Teller {
  say(line: string): void
  progress(answered: number, of: number): void
}

export interface Demo {
  tally: Tally
  seconds: number
  mandateUrl: string
  sandbox: Sandbox
}

type Stop = () => Promise<void>

/**
 * The whole main job, from an empty data directory to calendars that have been read.
 * @param underway is given the way to stop as soon as there is something to stop
 */
export async function runDemo(mailboxes: number, teller: Teller, underway: (stop: Stop) => void): Promise<Demo> {
  const { seed, operator } = await seedWith(mailboxes)
  const sandbox = await startSandbox({ seed })
  const dataDirectory = await mkdtemp(join(tmpdir(), 'mandate-demo-'))
  // When root runs the demo, PostgreSQL runs as somebody else, who passes through here.
  await chmod(dataDirectory, 0o711)
  let mandate: MandateProcess | undefined
  const stop = async () => {
    await mandate?.stop()
    await sandbox.stop()
    await rm(dataDirectory, { recursive: true, force: true })
  }
  underway(stop)
  try {
    teller.say('Starting Mandate: embedded PostgreSQL, API, pages and worker in one process.')
    mandate = await MandateProcess.start({
      MANDATE_DATA_DIR: dataDirectory,
      MANDATE_SANDBOX_GOOGLE_URL: sandbox.google.url,
      MANDATE_SANDBOX_MICROSOFT_URL: sandbox.microsoft.url,
      MANDATE_EGRESS_ALLOW: '127.0.0.1',
    })
    teller.say(
      `  ${mandate.url}, with stand-ins for Google (${sandbox.google.url}) and Microsoft (${sandbox.microsoft.url}).`,
    )
    const backend = await setUp(mandate, sandbox, operator, dataDirectory)

    teller.say('An administrator of Acme (Google) adds the delegation, signs in, checks and allows.')
    const toGoogle = { link: backend.link, redirectUri: REDIRECT_URI, administrator: 'admin@acme.test' }
    const google = await backend.finish(await authoriseGoogle(toGoogle, sandbox.google.url + ADMIN_CONSOLE))
    teller.say('An administrator of Initech (Microsoft) signs in, grants the permissions, checks and allows.')
    const toMicrosoft = { link: backend.link, redirectUri: REDIRECT_URI, administrator: 'admin@initech.test' }
    const microsoft = await backend.finish(await authoriseMicrosoft(toMicrosoft))

    const wanted = mailboxesOf(seed)
    teller.say(`The client asks for ${wanted.length} mailboxes, in batches of 50.`)
    const { tally, seconds } = await onboard(backend.saas, { google, microsoft }, wanted, sandbox, teller)
    return { tally, seconds, mandateUrl: mandate.url, sandbox }
  } catch (error) {
    await stop()
    throw error
  }
}

/** The CLI's part, and the client's own. */
async function setUp(mandate: MandateProcess, sandbox: Sandbox, operator: OperatorCredentials, directory: string) {
  const keyFile = join(directory, 'google-key.json')
  await writeFile(keyFile, JSON.stringify(operator.googleKeyFile), { mode: 0o600 })
  const { googleClient, microsoftApp } = operator
  const client = await mandate.cli(
    ...['clients', 'create', '--name', 'Demo Scheduler', '--redirect-uri', REDIRECT_URI],
    ...['--callback-origin', sandbox.receiver.url],
  )
  const google = ['--oauth-client-id', googleClient.clientId, '--oauth-client-secret', googleClient.clientSecret]
  await mandate.cli('providers', 'set', 'google', '--service-account', keyFile, ...google)
  const microsoft = ['--client-id', microsoftApp.clientId, '--client-secret', microsoftApp.clientSecret]
  await mandate.cli('providers', 'set', 'microsoft', ...microsoft)

  const callbackUrl = `${sandbox.receiver.url}/callbacks`
  const { client_id: clientId = '', client_secret: clientSecret = '' } = client
  const saas = new SaasBackend({ clientId, clientSecret, mandateUrl: mandate.url, callbackUrl })
  const link = `${mandate.url}/enterprise_connect/oauth/authorize?${new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: REDIRECT_URI,
    scope: 'service_account/accounts/manage service_account/resources/manage',
    delegated_scope: 'read_only',
    state: 'demo',
  })}`
  const finish = (returned: URL) => saas.exchange(returned.searchParams.get('code') ?? '', REDIRECT_URI)
  return { saas, link, finish }
}

async function onboard(
  saas: SaasBackend,
  serviceAccounts: Record<Mailbox['provider'], Awaited<ReturnType<SaasBackend['exchange']>>>,
  wanted: Mailbox[],
  sandbox: Sandbox,
  teller: Teller,
) {
  const tally = new Tally(wanted.length)
  const work = new Set<Promise<void>>()
  sandbox.receiver.onDelivery((delivery) => {
    const using = saas.receive(delivery).then((outcome) => {
      if (outcome) tally.add(outcome)
      teller.progress(tally.answered, wanted.length)
    })
    work.add(using)
    using.finally(() => work.delete(using))
  })
  const begun = performance.now()
  for (const provider of ['google', 'microsoft'] as const)
    await saas.requestAccess(
      serviceAccounts[provider],
      wanted.filter((mailbox) => mailbox.provider === provider),
    )
  while (!tally.isComplete && performance.now() - begun < PATIENCE_MS) await pause(20)
  await Promise.all(work)
  return { tally, seconds: (performance.now() - begun) / 1000 }
}

/** As many mailboxes as were asked for: those that the default world has anyway, and generated people in two halves. */
async function seedWith(mailboxes: number): Promise<{ seed: SandboxSeed; operator: OperatorCredentials }> {
  const least = await defaultSeed()
  const missing = Math.max(0, mailboxes - mailboxesOf(least.seed).length)
  return defaultSeed({ mailboxes: Math.ceil(missing / 2) })
}

/** Everybody and every room of the organisation that is authorised at each provider, the suspended and the excluded too. */
function mailboxesOf({ google, microsoft }: SandboxSeed): Mailbox[] {
  const acme = google.organisations[0]!
  const initech = microsoft.tenants[0]!
  const atGoogle = [
    ...acme.users.map(({ email }) => email),
    ...madeUpAddresses(acme.mailboxes, acme.domains[0]!.name),
    ...acme.rooms.map(({ email }) => email),
  ]
  const atMicrosoft = [
    ...initech.users.map(({ upn }) => upn),
    ...madeUpAddresses(initech.mailboxes, initech.domains[0]!),
    ...initech.rooms.map(({ email }) => email),
  ]
  return [
    ...atGoogle.map((email) => ({ email, provider: 'google' as const })),
    ...atMicrosoft.map((email) => ({ email, provider: 'microsoft' as const })),
  ]
}

/** As the stand-ins make them up. */
const madeUpAddresses = (count: number, domain: string) =>
  Array.from({ length: count }, (_, index) => `user${String(index + 1).padStart(5, '0')}@${domain}`)
