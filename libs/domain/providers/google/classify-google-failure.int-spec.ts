import { GOOGLE_ERRORS } from '../../../../apps/sandbox/google/errors.js'
import { type Sandbox, startSandbox } from '../../../../apps/sandbox/sandbox.js'
import { defaultSeed } from '../../../../apps/sandbox/seed/default-seed.js'
import type { SandboxSeed } from '../../../../apps/sandbox/seed/seed-schema.js'
import { type DelegatedPermission, permissionsOf, providerScopesFor } from '../delegated-scopes.js'
import type { MailboxKind, Organisation, OrganisationProvider } from '../provider.port.js'
import { providersForTests } from '../testing/providers-for-tests.js'
import { readGoogleKeyFile } from './google-credential.js'
import { type GoogleErrorKey, GOOGLE_ERRORS as MEANINGS } from './google-errors.js'

const READ = permissionsOf(['read_only'])
const BOTH: MailboxKind[] = ['person', 'room']
const TIMEOUT_MS = 2_500

/** All that is made of a refusal; which class and effect each has by right is in classify-google-failure.spec. */
const meaningOf = (key: string) => {
  const { class: kind, effect, fix } = MEANINGS[key as GoogleErrorKey]
  return { provider: 'google', key, class: kind, effect, fix }
}

describe('a refusal of Google, over HTTP', () => {
  const providers = providersForTests()
  let sandbox: Sandbox
  let seed: SandboxSeed
  let acme: Organisation
  let google: OrganisationProvider

  beforeAll(async () => {
    const world = await defaultSeed()
    seed = world.seed
    sandbox = await startSandbox({ seed })
    acme = {
      id: 'C01abc234',
      domains: ['acme.test', 'acme-mail.test', 'acme.example'],
      administratorEmail: 'admin@acme.test',
      credential: readGoogleKeyFile(JSON.stringify(world.operator.googleKeyFile)),
      credentialVersion: 'version 1',
    }
  })
  afterAll(() => sandbox.stop())

  beforeEach(async () => {
    sandbox.google.reseed(seed.google)
    sandbox.google.faults.clear()
    delegate(providerScopesFor('google', permissionsOf(['read_write']), BOTH))
    const opened = await providers.open({ googleSandboxUrl: new URL(sandbox.google.url), timeoutMs: TIMEOUT_MS })
    google = opened.organisation('google')
    sandbox.google.journal.clear()
  })

  const delegate = (scopes: string[]) =>
    sandbox.google.mutate('add-delegation', { clientId: '108844220066113355779', scopes })
  const prove = (email: string, permissions: DelegatedPermission[] = READ, mayBe = BOTH, organisation = acme) =>
    google.proveMailbox(organisation, email, permissions, mayBe)
  const refusal = (proof: Promise<unknown>) =>
    proof.then(
      () => null,
      (error) => error.facts,
    )
  /** `token`, `users`, `calendarList`: what was called, in order. */
  const calls = () => sandbox.google.journal.list({}).map(({ path, subject }) => `${subject} ${path.split('?')[0]}`)

  /** What the sandbox names by our key, and plays word for word; after a slash, another text of the same refusal. */
  const played = Object.entries(GOOGLE_ERRORS).map(([name, { path }]) => [name, path] as const)
  const ofPeople = ['oauth.', 'grant.revoked']

  it.each(played.filter(([name, path]) => path === '/token' && !ofPeople.some((kind) => name.startsWith(kind))))(
    '%s of the token endpoint keeps its name on its way to us',
    async (error) => {
      sandbox.google.faults.add({ error })
      expect(await refusal(prove('anna@acme.test'))).toMatchObject(meaningOf(error.split('/')[0]!))
    },
  )

  it.each(played.filter(([, path]) => path.startsWith('/calendar')))(
    '%s of Calendar keeps its name on its way to us',
    async (error) => {
      sandbox.google.faults.add({ error })
      const key = error === 'provider.token_missing' ? 'provider.token_rejected' : error.split('/')[0]
      expect(await refusal(prove('anna@acme.test'))).toMatchObject(meaningOf(key!))
    },
  )

  it.each(played.filter(([, path]) => path.startsWith('/admin')))(
    '%s of the Directory keeps its name on its way to us',
    async (error) => {
      sandbox.google.faults.add({ error })
      expect(await refusal(Array.fromAsync(google.listRooms(acme)))).toMatchObject(meaningOf(error.split('/')[0]!))
    },
  )

  it('without a reason is believed the second time only', async () => {
    sandbox.google.faults.add({ error: 'google.grant_rejected', times: 1 })
    expect(await prove('anna@acme.test')).toMatchObject({ kind: 'person' })
    sandbox.google.faults.add({ error: 'google.grant_rejected', times: 2 })
    expect(await refusal(prove('ben@acme.test'))).toMatchObject({ key: 'google.grant_rejected', class: 'permanent' })
  })

  it('carries the time that Google asked for', async () => {
    sandbox.google.faults.add({ error: 'provider.throttled/retry_after' })
    expect(await refusal(prove('anna@acme.test'))).toMatchObject({ class: 'retry', retryAfter: 2 })
  })

  it.each([
    ['hangs', { hang: true }],
    ['resets the connection', { reset: true }],
    ['answers half of the JSON', { truncate: true }],
  ] as const)('is none when Google %s: then it is to be asked again', async (_, trouble) => {
    for (const path of ['/token', '/calendar/*']) {
      sandbox.google.faults.clear()
      sandbox.google.faults.add({ path, ...trouble })
      expect(await refusal(prove('anna@acme.test'))).toMatchObject({ class: 'retry' })
    }
    expect(calls().filter((call) => call.endsWith('/token'))).toHaveLength(2)
  })

  it('of a disabled key or a lost delegation concerns the whole connection', async () => {
    sandbox.google.mutate('disable-key', { serviceAccount: '108844220066113355779' })
    expect(await refusal(prove('anna@acme.test'))).toMatchObject({
      key: 'google.credential_key_invalid',
      class: 'fatal',
    })
    sandbox.google.mutate('enable-key', { serviceAccount: '108844220066113355779' })
    sandbox.google.mutate('remove-delegation', { clientId: '108844220066113355779' })
    expect(await refusal(prove('anna@acme.test'))).toMatchObject({
      key: 'google.delegation_missing',
      effect: 'connection',
    })
  })
})
