import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Log } from '#platform/observability/log.js'
import type { NamedErrors } from '../../../../apps/sandbox/core/fault-rules.js'
import { GOOGLE_ERRORS as AS_GOOGLE_SAYS_THEM } from '../../../../apps/sandbox/google/errors.js'
import type { ServiceAccountKeyFile } from '../../../../apps/sandbox/google/service-account-key-file.js'
import { type Sandbox, startSandbox } from '../../../../apps/sandbox/sandbox.js'
import { defaultSeed } from '../../../../apps/sandbox/seed/default-seed.js'
import type { SandboxSeed } from '../../../../apps/sandbox/seed/seed-schema.js'
import { permissionsOf, providerScopesFor } from '../delegated-scopes.js'
import type { GoogleCredential } from '../provider.port.js'
import { providersForTests } from '../testing/providers-for-tests.js'
import { readGoogleKeyFiles } from './google-credential.js'
import { GOOGLE_ERRORS, type GoogleErrorKey } from './google-errors.js'
import { readGoogleWorkloadIdentity } from './read-workload-identity.js'

const ACCOUNT = '108844220066113355779'
const AUDIENCE = '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/provider'
const POD = 'principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/subject/pod'
const READ = permissionsOf(['read_only'])
const TIMEOUT_MS = 20_000
const PLAYED: NamedErrors = AS_GOOGLE_SAYS_THEM

describe('acting at Google', () => {
  const providers = providersForTests()
  let sandbox: Sandbox
  let seed: SandboxSeed
  let keyFile: ServiceAccountKeyFile
  let logged: Record<string, unknown>[]

  beforeAll(async () => {
    const world = await defaultSeed()
    keyFile = world.operator.googleKeyFile
    const principals = { 'the token of the pod': POD, AKIAPOD: POD }
    seed = { ...world.seed, google: { ...world.seed.google, workloadIdentities: [{ audience: AUDIENCE, principals }] } }
    sandbox = await startSandbox({ seed })
  })
  afterAll(() => sandbox.stop())
  beforeEach(() => {
    logged = []
    sandbox.google.reseed(seed.google)
    sandbox.google.faults.clear()
    sandbox.google.journal.clear()
    const scopes = providerScopesFor('google', READ, ['person'])
    sandbox.google.mutate('add-delegation', { clientId: ACCOUNT, scopes })
  })

  /** As one process does, for one version of the credential. */
  const acting = async (credential: GoogleCredential) => {
    const settings = { googleSandboxUrl: new URL(sandbox.google.url), timeoutMs: TIMEOUT_MS }
    const log = new Log('info', (line) => logged.push(JSON.parse(line)))
    const google = (await providers.open(settings, { log })).organisation('google')
    const acme = { id: 'C01abc234', domains: ['acme.test'], administratorEmail: 'admin@acme.test' }
    const organisation = { ...acme, credential, credentialVersion: 'version 1' }
    return (email: string) =>
      google.proveMailbox(organisation, email, READ, ['person']).then(
        (proof) => proof.email,
        (error) => error.facts,
      )
  }
  const callsTo = (path: string) => sandbox.google.journal.list({ path }).length

  describe('with several keys', () => {
    let newer: ServiceAccountKeyFile
    const withBoth = () => acting(readGoogleKeyFiles([newer, keyFile].map((file) => JSON.stringify(file))))
    beforeEach(async () => {
      newer = (await sandbox.google.mutate('create-key', { serviceAccount: ACCOUNT })) as ServiceAccountKeyFile
    })

    it('uses the newest', async () => {
      const prove = await withBoth()
      sandbox.google.mutate('delete-key', { serviceAccount: ACCOUNT, keyId: keyFile.private_key_id })
      expect(await prove('anna@acme.test')).toBe('anna@acme.test')
      expect([callsTo('/token'), logged]).toEqual([1, []])
    })

    it.each(['disable-key', 'delete-key'])(
      'goes on with the next after %s, says so, and tries it first from then on',
      async (mutation) => {
        const prove = await withBoth()
        sandbox.google.mutate(mutation, { serviceAccount: ACCOUNT, keyId: newer.private_key_id })
        expect(await prove('anna@acme.test')).toBe('anna@acme.test')
        expect(logged).toMatchObject([{ msg: 'google.key_refused', key: newer.private_key_id.slice(0, 8) }])
        expect(await prove('ben@acme.test')).toBe('ben@acme.test')
        expect([callsTo('/token'), logged.length]).toEqual([3, 1])
      },
    )

    it('is refused when none is left, and not before', async () => {
      const prove = await withBoth()
      sandbox.google.mutate('disable-key', { serviceAccount: ACCOUNT })
      expect(await prove('anna@acme.test')).toMatchObject({ key: 'google.credential_key_invalid', class: 'fatal' })
      sandbox.google.mutate('enable-key', { serviceAccount: ACCOUNT, keyId: newer.private_key_id })
      expect(await prove('anna@acme.test')).toBe('anna@acme.test')
    })
  })

  describe('without a key', () => {
    let directory: string
    let platform: Server
    let url: string

    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), 'mandate-identity-'))
      await writeFile(join(directory, 'token'), 'the token of the pod')
      platform = createServer(({ url, headers }, response) => response.end(platformSays(url!, headers))).listen(
        0,
        '127.0.0.1',
      )
      url = await new Promise((resolve) => {
        platform.on('listening', () => resolve(`http://127.0.0.1:${(platform.address() as AddressInfo).port}`))
      })
    })
    afterAll(async () => {
      platform.close()
      await rm(directory, { recursive: true })
    })
    beforeEach(() => sandbox.google.mutate('set-token-creator', { serviceAccount: ACCOUNT, member: POD }))

    const identity = (credential_source: object, more: object = {}) => {
      const aws = 'environment_id' in credential_source
      const configuration = JSON.stringify({
        type: 'external_account',
        audience: AUDIENCE,
        subject_token_type: aws
          ? 'urn:ietf:params:aws:token-type:aws4_request'
          : 'urn:ietf:params:oauth:token-type:jwt',
        token_url: 'https://sts.googleapis.com/v1/token',
        credential_source,
        ...more,
      })
      return readGoogleWorkloadIdentity({ configuration, service_account: keyFile.client_email, client_id: ACCOUNT })
    }
    const fromFile = (more?: object) => identity({ file: join(directory, 'token') }, more)

    it.each<[string, () => GoogleCredential]>([
      ['a file', () => fromFile()],
      ['a URL', () => identity({ url: `${url}/token`, headers: { Metadata: 'True' } })],
      [
        'AWS',
        () =>
          identity({
            environment_id: 'aws1',
            region_url: `${url}/region`,
            url: `${url}/credentials`,
            regional_cred_verification_url:
              'https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15',
          }),
      ],
    ])('lets Google sign, for an identity from %s, and asks for that identity once', async (_, credential) => {
      const prove = await acting(credential())
      expect(await prove('anna@acme.test')).toBe('anna@acme.test')
      expect(await prove('ben@acme.test')).toBe('ben@acme.test')
      expect(callsTo('/v1/token')).toBe(1)
    })

    it('may go through the service account itself', async () => {
      sandbox.google.mutate('set-token-creator', { serviceAccount: ACCOUNT, member: keyFile.client_email })
      const service_account_impersonation_url = `https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/${keyFile.client_email}:generateAccessToken`
      expect(await (await acting(fromFile({ service_account_impersonation_url })))('anna@acme.test')).toBe(
        'anna@acme.test',
      )
    })

    it('is refused without the role, and works as soon as it is granted', async () => {
      sandbox.google.mutate('set-token-creator', { serviceAccount: ACCOUNT, member: POD, may: false })
      const prove = await acting(fromFile())
      expect(await prove('anna@acme.test')).toMatchObject({ key: 'google.token_creator_missing', effect: 'operator' })
      sandbox.google.mutate('set-token-creator', { serviceAccount: ACCOUNT, member: POD })
      expect(await prove('anna@acme.test')).toBe('anna@acme.test')
    })

    it.each<[string, () => GoogleCredential, string, string]>([
      [
        'another audience',
        () => fromFile({ audience: `${AUDIENCE}2` }),
        'google.workload_identity_refused',
        'permanent',
      ],
      [
        'a file that is not there',
        () => identity({ file: '/nowhere' }),
        'google.workload_identity_unreadable',
        'retry',
      ],
      [
        'a URL that says nothing',
        () => identity({ url: 'http://127.0.0.1:9/' }),
        'google.workload_identity_unreadable',
        'retry',
      ],
    ])('is the operator’s trouble with %s', async (_, credential, key, kind) => {
      expect(await (await acting(credential()))('anna@acme.test')).toMatchObject({
        key,
        class: kind,
        effect: 'operator',
      })
    })

    it.each(Object.keys(PLAYED).filter((name) => PLAYED[name]!.path.startsWith('/v1/')))(
      '%s keeps its name on its way to us, and says whose trouble it is and what to do',
      async (error) => {
        sandbox.google.faults.add({ error })
        const key = error.split('/')[0] as GoogleErrorKey
        const { class: kind, effect, fix } = GOOGLE_ERRORS[key]
        expect(await (await acting(fromFile()))('anna@acme.test')).toMatchObject({ key, class: kind, effect, fix })
      },
    )

    it('waits for an exchange that is down', async () => {
      sandbox.google.faults.add({ path: '/v1/token', answer: { status: 503, html: '<html>' } })
      expect(await (await acting(fromFile()))('anna@acme.test')).toMatchObject({
        key: 'provider.unavailable',
        class: 'retry',
      })
    })
  })
})

/** The metadata servers of Azure and AWS, as far as Google's library asks them. */
function platformSays(path: string, headers: NodeJS.Dict<string | string[]>): string {
  switch (path) {
    case '/token':
      return headers.metadata === 'True' ? 'the token of the pod' : ''
    case '/region':
      return 'eu-central-1a'
    case '/credentials':
      return 'role'
    default:
      return JSON.stringify({ AccessKeyId: 'AKIAPOD', SecretAccessKey: 'hush', Token: 'hush' })
  }
}
