import { Secret } from '#platform/secrets/secret.js'
import { startMicrosoft } from '../../../../apps/sandbox/microsoft/microsoft-stand-in.js'
import { type MicrosoftSeedInput, microsoftSeed } from '../../../../apps/sandbox/microsoft/seed.js'
import type { CheckStep, OrganisationClaim, VerifiedOrganisation } from '../administrator.port.js'
import { permissionsOf } from '../delegated-scopes.js'
import {
  MICROSOFT_CLOUD_NAMES,
  type MicrosoftCloudName,
  type MicrosoftCredential,
  type Organisation,
} from '../provider.port.js'
import type { Providers } from '../providers.js'
import { providersForTests } from '../testing/providers-for-tests.js'

const HOSTS = {
  global: ['login.microsoftonline.com', 'graph.microsoft.com'],
  'us-government': ['login.microsoftonline.us', 'graph.microsoft.us'],
  'us-dod': ['login.microsoftonline.us', 'dod-graph.microsoft.us'],
  china: ['login.partner.microsoftonline.cn', 'microsoftgraph.chinacloudapi.cn'],
}
const READ = permissionsOf(['read_only'])

const tenantIn = (cloud: MicrosoftCloudName) =>
  `00000000-0000-4000-8000-00000000000${MICROSOFT_CLOUD_NAMES.indexOf(cloud)}`
const appIn = (cloud: MicrosoftCloudName) =>
  `11111111-0000-4000-8000-00000000000${MICROSOFT_CLOUD_NAMES.indexOf(cloud)}`
const SEED: MicrosoftSeedInput = {
  tenants: MICROSOFT_CLOUD_NAMES.map((cloud) => ({
    id: tenantIn(cloud),
    displayName: cloud,
    domains: [`${cloud}.test`],
    cloud,
    users: [{ upn: `anna@${cloud}.test` }],
    rooms: Array.from({ length: 101 }, (_, room) => ({ email: `room${room}@${cloud}.test`, displayName: `${room}` })),
  })),
  registrations: MICROSOFT_CLOUD_NAMES.map((cloud) => ({
    clientId: appIn(cloud),
    displayName: 'Mandate',
    cloud,
    secrets: [{ value: 'open' }],
    consentedIn: [tenantIn(cloud)],
  })),
}

describe('Microsoft’s four clouds', () => {
  const testing = providersForTests()
  let standIn: Awaited<ReturnType<typeof startMicrosoft>>
  let providers: Providers

  beforeAll(async () => {
    standIn = await startMicrosoft({ port: 0, seed: microsoftSeed.parse(SEED) })
  })
  afterAll(() => standIn.close())
  beforeEach(async () => {
    standIn.journal.clear()
    providers = await testing.open({ microsoftSandboxUrl: new URL(standIn.url), timeoutMs: 20_000 })
  })

  const credential = (cloud: MicrosoftCloudName, home: MicrosoftCloudName | null = null): MicrosoftCredential => ({
    provider: 'microsoft',
    clientId: appIn(cloud),
    cloud: home,
    proof: { kind: 'secret', clientSecret: new Secret('open') },
  })
  const organisation = (cloud: MicrosoftCloudName): Organisation => ({
    id: tenantIn(cloud),
    domains: [`${cloud}.test`],
    administratorEmail: `anna@${cloud}.test`,
    credential: credential(cloud),
    credentialVersion: 'version 1',
    cloud,
  })
  const check = async (claim: Pick<OrganisationClaim, 'credential' | 'organisation'>, mailbox: string) => {
    const steps: CheckStep[] = []
    const running = providers.administrator('microsoft').checkOrganisation({
      ...claim,
      administratorEmail: mailbox,
      provenBy: 'possession',
      permissions: READ,
      kinds: ['person', 'room'],
    })
    let next = await running.next()
    for (; !next.done; next = await running.next()) steps.push(next.value)
    return { organisation: next.value as VerifiedOrganisation | null, keys: steps.flatMap(({ key }) => key ?? []) }
  }
  const hosts = () => [...new Set(standIn.journal.list({}).map(({ providerHost }) => providerHost))]

  it.each(MICROSOFT_CLOUD_NAMES)(
    '%s is found from the tenant’s own document, and is where everything goes',
    async (cloud) => {
      const claim = { credential: credential(cloud), organisation: `${cloud}.test` }
      const { organisation: found } = await check(claim, `anna@${cloud}.test`)
      expect(found).toMatchObject({ id: tenantIn(cloud), cloud })

      standIn.journal.clear()
      const microsoft = providers.organisation('microsoft')
      const proof = await microsoft.proveMailbox(organisation(cloud), `anna@${cloud}.test`, READ, ['person', 'room'])
      expect(await Array.fromAsync(microsoft.listRooms(organisation(cloud)))).toHaveLength(101)
      const read = { method: 'GET' as const, pathAndQuery: `/v1.0/users/${proof.providerUserId}/calendar`, headers: {} }
      const answer = await microsoft.callAs(organisation(cloud), proof, READ, read)
      expect(answer.status).toBe(200)
      await Array.fromAsync(answer.body)
      expect(hosts()).toEqual(HOSTS[cloud])
    },
  )

  it.each([
    ['us-government', 'global', 'microsoft.wrong_cloud'],
    ['china', 'global', 'microsoft.tenant_not_found'],
    ['global', 'china', 'microsoft.tenant_not_found'],
  ] as const)('refuse a tenant of %s to a registration of %s', async (cloud, home, key) => {
    const claim = { credential: credential(home, home), organisation: tenantIn(cloud) }
    const refused = await check(claim, `anna@${cloud}.test`)
    expect(refused).toEqual({ organisation: null, keys: [key] })
  })

  it.each([
    ['us-government', 'global', 'microsoft.wrong_cloud'],
    ['china', 'global', 'microsoft.tenant_not_found'],
    // The same sign-in, but another Graph: the tenant does not know this resource.
    ['us-dod', 'us-government', 'microsoft.resource_unavailable'],
  ] as const)('tell a token for %s that is asked for in %s from other failures', async (cloud, asked, key) => {
    const elsewhere = { ...organisation(cloud), cloud: asked, credentialVersion: asked }
    const proof = providers.organisation('microsoft').proveMailbox(elsewhere, `anna@${cloud}.test`, READ, ['person'])
    await expect(proof).rejects.toMatchObject({ code: key, facts: { class: 'permanent', effect: 'connection' } })
  })
})
