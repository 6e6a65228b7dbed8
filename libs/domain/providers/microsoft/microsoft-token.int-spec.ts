import { createPublicKey, type KeyObject } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import { Secret } from '#platform/secrets/secret.js'
import { HeldClock } from '#platform/testing/held-clock.js'
import { newSigningKey, selfSignedCertificate } from '../../../../apps/sandbox/core/self-signed-certificate.js'
import type { StandIn } from '../../../../apps/sandbox/core/stand-in.js'
import { startMicrosoft } from '../../../../apps/sandbox/microsoft/microsoft-stand-in.js'
import { type MicrosoftSeedInput, microsoftSeed } from '../../../../apps/sandbox/microsoft/seed.js'
import { permissionsOf } from '../delegated-scopes.js'
import type { MicrosoftCredential, Organisation, OrganisationProvider } from '../provider.port.js'
import { providersForTests } from '../testing/providers-for-tests.js'

const APP = '5d0f3c1a-7b28-4e96-a1c4-3e8b9d2f6a70'
const TENANTS = ['aaaaaaaa-0000-4000-8000-000000000001', 'bbbbbbbb-0000-4000-8000-000000000002']
const [FIRST] = TENANTS as [string, string]
/** In each organisation. `MICROSOFT_MAILBOXES=2000` makes it the size that is promised; this one is quick. */
const MAILBOXES = Number(process.env.MICROSOFT_MAILBOXES ?? 150)
const ISSUER = 'https://oidc.cluster.test/'
const READ = permissionsOf(['read_only'])

const domainOfTenant = (tenant: string) => `${tenant.slice(0, 1)}.test`

describe('app-only tokens of Microsoft', () => {
  const providers = providersForTests()
  let standIn: StandIn
  let clock: HeldClock
  let key: KeyObject
  let certificatePem: string
  let microsoft: OrganisationProvider

  const seed = (changes: Partial<MicrosoftSeedInput> = {}): MicrosoftSeedInput => ({
    tenants: TENANTS.map((id) => ({
      id,
      displayName: domainOfTenant(id),
      domains: [domainOfTenant(id)],
      users: [{ upn: `anna@${domainOfTenant(id)}` }],
      mailboxes: MAILBOXES,
    })),
    registrations: [
      {
        clientId: APP,
        displayName: 'Mandate',
        secrets: [{ value: 'open' }],
        certificates: [certificatePem],
        federatedCredentials: [
          {
            issuer: ISSUER,
            subject: 'system:serviceaccount:mandate:worker',
            publicKey: createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString(),
          },
        ],
        consentedIn: TENANTS,
      },
    ],
    ...changes,
  })
  const load = (changes?: Partial<MicrosoftSeedInput>) =>
    standIn.definition.seed.load(microsoftSeed.parse(seed(changes)))

  beforeAll(async () => {
    key = await newSigningKey()
    certificatePem = selfSignedCertificate(key, 'mandate.test')
  })
  beforeEach(async () => {
    standIn = await startMicrosoft({ port: 0, seed: microsoftSeed.parse(seed()) })
    clock = new HeldClock(new Date())
    const opened = await providers.open({ microsoftSandboxUrl: new URL(standIn.url), timeoutMs: 20_000 }, { clock })
    microsoft = opened.organisation('microsoft')
  })
  afterEach(() => standIn.close())

  const organisation = (
    proof: MicrosoftCredential['proof'] = { kind: 'secret', clientSecret: new Secret('open') },
    id = FIRST,
  ): Organisation => ({
    id,
    domains: [domainOfTenant(id)],
    administratorEmail: `anna@${domainOfTenant(id)}`,
    credential: { provider: 'microsoft', clientId: APP, cloud: null, proof },
    credentialVersion: proof.kind,
    cloud: 'global',
  })
  const prove = (of: Organisation, email = of.administratorEmail) =>
    microsoft.proveMailbox(of, email, READ, ['person', 'room'])
  const refusal = (proof: Promise<unknown>) =>
    proof.then(
      () => null,
      (error) => error.facts,
    )
  const tokensAskedFor = () => standIn.journal.list({ path: '/token' }).length
  const pass = (seconds: number) => {
    clock.advance(seconds * 1_000)
    standIn.mutate('shift-clock', { seconds })
  }

  describe('of two organisations under load', () => {
    it('are one for each, and none opens a mailbox of the other', async () => {
      const both = TENANTS.map((id) => organisation(undefined, id))
      const proofs = await Promise.all(
        Array.from({ length: MAILBOXES * 2 }, (_, index) => {
          const of = both[index % 2]!
          const email = `user${String(Math.floor(index / 2) + 1).padStart(5, '0')}@${of.domains[0]}`
          return prove(of, email).then((proof) => [email, proof.email])
        }),
      )
      expect(proofs.filter(([asked, proven]) => asked !== proven)).toEqual([])
      expect(tokensAskedFor()).toBe(2)
      // The stand-in opens with a token what is in its tenant, and tells the tokens apart by their hashes.
      const used = new Map<string, Set<string>>()
      for (const { path, tokenHash } of standIn.journal.list({ path: '/v1.0/users/user' })) {
        const domain = decodeURIComponent(path).split('@')[1]!.split('?')[0]!
        used.set(domain, (used.get(domain) ?? new Set()).add(String(tokenHash)))
      }
      const [ofFirst, ofSecond] = [...used.values()].map((hashes) => [...hashes])
      expect([ofFirst?.length, ofSecond?.length]).toEqual([1, 1])
      expect(ofFirst).not.toEqual(ofSecond)
    })
  })

  describe('while a consent is fresh', () => {
    it('are waited for where the application is not installed yet, and not for longer than ten minutes', async () => {
      const consented = { ...organisation(), authorisedAt: clock.now() }
      load({ consentDelay: { ms: 300_000, until: 'not-installed' } })
      standIn.mutate('revoke-consent')
      standIn.mutate('grant-consent')
      expect(await refusal(prove(consented))).toMatchObject({ key: 'microsoft.app_not_in_tenant', class: 'retry' })
      pass(301)
      expect(await prove(consented)).toMatchObject({ kind: 'person' })

      standIn.mutate('revoke-consent', { tokensToo: true })
      expect(await refusal(prove(consented))).toMatchObject({ key: 'microsoft.app_not_in_tenant', class: 'retry' })
      pass(300)
      expect(await refusal(prove(consented))).toMatchObject({ key: 'microsoft.app_not_in_tenant', class: 'permanent' })
    })

    it('are replaced when they were issued before their roles arrived, once a minute at most', async () => {
      const consented = { ...organisation(), authorisedAt: clock.now() }
      load({ consentDelay: { ms: 300_000, until: 'no-roles' } })
      standIn.mutate('grant-consent', { permissions: ['User.Read.All', 'Calendars.Read', 'Place.Read.All'] })
      for (const _ of [1, 2, 3])
        expect(await refusal(prove(consented))).toMatchObject({ key: 'microsoft.permission_missing', class: 'retry' })
      expect(tokensAskedFor()).toBe(1)
      pass(301)
      expect(await prove(consented)).toMatchObject({ kind: 'person' })
      expect(tokensAskedFor()).toBe(2)
    })
  })

  describe('proven by a certificate', () => {
    const byCertificate = (pem = certificatePem, sendChain = false): MicrosoftCredential['proof'] => ({
      kind: 'certificate',
      certificatePem: pem,
      privateKey: new Secret(key.export({ type: 'pkcs8', format: 'pem' }) as string),
      sendChain,
    })

    it('are issued, with the chain and without', async () => {
      expect(await prove(organisation(byCertificate()))).toMatchObject({ kind: 'person' })
      const chained = { ...organisation(byCertificate(certificatePem, true)), credentialVersion: 'with chain' }
      expect(await prove(chained)).toMatchObject({ kind: 'person' })
    })

    it.each([
      ['has expired', '2010-01-01'],
      ['is not valid yet', '2080-01-01'],
    ])('are not even asked for when it %s', async (_, from) => {
      const dated = selfSignedCertificate(key, 'mandate.test', new Date(from))
      expect(await refusal(prove(organisation(byCertificate(dated))))).toMatchObject({
        key: 'microsoft.certificate_expired',
        class: 'fatal',
      })
      expect(tokensAskedFor()).toBe(0)
    })

    it('are refused when the application does not list it', async () => {
      load({ registrations: [{ clientId: APP, displayName: 'Mandate', consentedIn: TENANTS }] })
      expect(await refusal(prove(organisation(byCertificate())))).toMatchObject({
        key: 'microsoft.certificate_mismatch',
        class: 'fatal',
      })
    })
  })

  describe('proven by a federated token', () => {
    let directory: string
    let tokenFile: string

    beforeEach(async () => {
      directory = await mkdtemp(join(tmpdir(), 'mandate-federated-'))
      tokenFile = join(directory, 'token')
    })
    afterEach(() => rm(directory, { recursive: true }))

    const project = async (changes: { sub?: string; aud?: string; iss?: string } = {}) => {
      const { sub = 'system:serviceaccount:mandate:worker', aud = 'api://AzureADTokenExchange', iss = ISSUER } = changes
      const jwt = new SignJWT().setProtectedHeader({ alg: 'RS256' }).setIssuer(iss).setSubject(sub).setAudience(aud)
      await writeFile(tokenFile, `${await jwt.setIssuedAt().setExpirationTime('1h').sign(key)}\n`)
    }
    const federated = (credentialVersion: string) => ({
      ...organisation({ kind: 'federated', tokenFile }),
      credentialVersion,
    })

    it('are issued for what is in the file now', async () => {
      await project({ sub: 'somebody else' })
      expect(await refusal(prove(federated('1')))).toMatchObject({
        key: 'microsoft.federation_mismatch',
        effect: 'operator',
      })
      await project()
      expect(await prove(federated('1'))).toMatchObject({ kind: 'person' })
    })

    it.each([{ aud: 'https://elsewhere.test' }, { iss: 'https://elsewhere.test/' }])(
      'are refused for %j, as the operator’s to mend',
      async (changes) => {
        await project(changes)
        expect(await refusal(prove(federated('1')))).toMatchObject({ key: 'microsoft.federation_mismatch' })
      },
    )

    it('wait for a file that is missing, and never send what is no token', async () => {
      const missing = { key: 'microsoft.federated_token_missing', class: 'retry', effect: 'operator' }
      expect(await refusal(prove(federated('1')))).toMatchObject(missing)
      await writeFile(tokenFile, 'root:x:0:0:root:/root:/bin/bash')
      expect(await refusal(prove(federated('1')))).toMatchObject(missing)
      expect(tokensAskedFor()).toBe(0)
    })
  })
})
