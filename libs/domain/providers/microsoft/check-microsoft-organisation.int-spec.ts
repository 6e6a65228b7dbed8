import { Secret } from '#platform/secrets/secret.js'
import { INITECH, UMBRELLA } from '../../../../apps/sandbox/microsoft/default-seed.js'
import { type Sandbox, startSandbox } from '../../../../apps/sandbox/sandbox.js'
import { defaultSeed, type OperatorCredentials } from '../../../../apps/sandbox/seed/default-seed.js'
import type { SandboxSeed } from '../../../../apps/sandbox/seed/seed-schema.js'
import type {
  AdministratorProvider,
  CheckStep,
  OrganisationClaim,
  VerifiedOrganisation,
} from '../administrator.port.js'
import { permissionsOf } from '../delegated-scopes.js'
import type { MicrosoftCredential } from '../provider.port.js'
import { providersForTests } from '../testing/providers-for-tests.js'

describe('the live check of an organisation at Microsoft', () => {
  const providers = providersForTests()
  let sandbox: Sandbox
  let seed: SandboxSeed
  let operator: OperatorCredentials
  let microsoft: AdministratorProvider

  beforeAll(async () => {
    ;({ seed, operator } = await defaultSeed())
    sandbox = await startSandbox({ seed })
    const opened = await providers.open({ microsoftSandboxUrl: new URL(sandbox.microsoft.url), timeoutMs: 2_500 })
    microsoft = opened.administrator('microsoft')
  })
  afterAll(() => sandbox.stop())
  beforeEach(() => {
    sandbox.microsoft.reseed(seed.microsoft)
    sandbox.microsoft.faults.clear()
    sandbox.microsoft.journal.clear()
  })

  const bySecret = (value = operator.microsoftApp.clientSecret): MicrosoftCredential => ({
    provider: 'microsoft',
    clientId: operator.microsoftApp.clientId,
    cloud: null,
    proof: { kind: 'secret', clientSecret: new Secret(value) },
  })
  const claim = (changes: Partial<OrganisationClaim> = {}): OrganisationClaim => ({
    credential: bySecret(),
    administratorEmail: 'admin@initech.test',
    organisation: INITECH,
    provenBy: 'sign-in',
    permissions: permissionsOf(['read_write']),
    kinds: ['person', 'room'],
    ...changes,
  })
  const consent = (permissions?: string[]) =>
    sandbox.microsoft.mutate('grant-consent', permissions ? { permissions } : {})
  const check = async (what = claim()) => {
    const steps: CheckStep[] = []
    const running = microsoft.checkOrganisation(what)
    let next = await running.next()
    for (; !next.done; next = await running.next()) steps.push(next.value)
    return { steps, organisation: next.value as VerifiedOrganisation | null }
  }
  const outcomes = (steps: CheckStep[]) => Object.fromEntries(steps.map(({ id, outcome, key }) => [id, key ?? outcome]))
  const ALL_PASSED = {
    credential: 'passed',
    'permission:Organization.Read.All': 'passed',
    organisation: 'passed',
    'permission:User.Read.All': 'passed',
    'permission:Place.Read.All': 'passed',
    rooms: 'passed',
    'permission:Calendars.ReadWrite': 'passed',
    mailbox: 'passed',
  }

  it('passes, and returns the organisation with all its domains', async () => {
    consent()
    const { steps, organisation } = await check()
    expect(outcomes(steps)).toEqual(ALL_PASSED)
    expect(organisation).toEqual({
      id: INITECH,
      name: 'Initech',
      domains: ['initech.test', 'initech.onmicrosoft.test'],
      administratorEmail: 'admin@initech.test',
      cloud: 'global',
    })
  })

  it('finds the organisation by a domain too, and returns its GUID', async () => {
    consent()
    const { organisation } = await check(claim({ organisation: 'Initech.test', provenBy: 'possession' }))
    expect(organisation?.id).toBe(INITECH)
    const unknown = await check(claim({ organisation: 'nobody.test' }))
    expect(outcomes(unknown.steps)).toMatchObject({
      organisation: 'microsoft.tenant_not_found',
      credential: 'not-checked',
    })
    expect(unknown.organisation).toBeNull()
  })

  it('says to wait a minute when the consent has not arrived, and passes when it has', async () => {
    const early = await check()
    expect(outcomes(early.steps)).toMatchObject({
      credential: 'not-checked',
      organisation: 'microsoft.app_not_in_tenant',
    })
    expect(early.steps.find(({ id }) => id === 'organisation')?.fix).toContain('wait a minute')
    consent()
    expect((await check()).organisation).not.toBeNull()
  })

  it('is not fooled by a token without any permission, nor by one from before', async () => {
    consent([])
    const { steps, organisation } = await check()
    expect(outcomes(steps)).toMatchObject({
      credential: 'passed',
      'permission:Organization.Read.All': 'microsoft.permission_missing',
      'permission:User.Read.All': 'microsoft.permission_missing',
      'permission:Place.Read.All': 'microsoft.permission_missing',
      mailbox: 'not-checked',
    })
    expect(organisation).toBeNull()
    consent()
    expect((await check()).organisation).not.toBeNull()
  })

  it.each(['Organization.Read.All', 'User.Read.All', 'Place.Read.All', 'Calendars.ReadWrite'])(
    'names %s when it is the one that is missing',
    async (permission) => {
      consent()
      sandbox.microsoft.mutate('remove-permission', { permission })
      const { steps, organisation } = await check()
      const failing = steps.filter(({ outcome }) => outcome === 'failed')
      expect(failing.map(({ id }) => id)).toContain(`permission:${permission}`)
      expect(failing.find(({ id }) => id.endsWith(permission))?.problem).toContain(permission)
      expect(steps.map(({ id }) => id).sort()).toEqual(Object.keys(ALL_PASSED).sort())
      expect(organisation).toBeNull()
    },
  )

  it('does not ask for the permission for rooms where none are wanted', async () => {
    consent(['User.Read.All', 'Organization.Read.All', 'Calendars.ReadWrite'])
    const { steps, organisation } = await check(claim({ kinds: ['person'] }))
    expect(steps.map(({ id }) => id)).not.toContain('rooms')
    expect(organisation).not.toBeNull()
  })

  it('says honestly that it cannot tell whether a stronger permission was given in Exchange', async () => {
    consent(['User.Read.All', 'Organization.Read.All', 'Place.Read.All', 'Calendars.Read'])
    const { steps, organisation } = await check()
    const step = steps.find(({ id }) => id === 'permission:Calendars.ReadWrite')
    expect(step).toMatchObject({ outcome: 'not-checked', fix: expect.stringContaining('RBAC for Applications') })
    expect(organisation).not.toBeNull()
  })

  it('tells what is wrong with the credential', async () => {
    consent()
    const wrong = await check(claim({ credential: bySecret('wrong') }))
    expect(outcomes(wrong.steps)).toMatchObject({
      credential: 'microsoft.secret_invalid',
      organisation: 'not-checked',
    })
    sandbox.microsoft.mutate('expire-secret')
    expect(outcomes((await check()).steps)).toMatchObject({ credential: 'microsoft.secret_expired' })
  })

  it('opens the mailbox that was named, where the administrator has none', async () => {
    consent()
    sandbox.microsoft.mutate('set-mailbox', { email: 'admin@initech.test', mailbox: 'none' })
    const without = await check()
    expect(without.steps.at(-1)).toMatchObject({ key: null, outcome: 'not-checked' })
    expect(outcomes(without.steps)).toMatchObject({ mailbox: 'microsoft.mailbox_not_found' })
    expect(without.organisation).toBeNull()
    const named = await check(claim({ mailbox: 'milton@initech.test' }))
    expect(named.organisation).toMatchObject({ administratorEmail: 'admin@initech.test' })
  })

  it('refuses a mailbox of another organisation', async () => {
    consent()
    const { steps, organisation } = await check(claim({ mailbox: 'ursula@umbrella.test' }))
    expect(outcomes(steps)).toMatchObject({ mailbox: 'microsoft.mailbox_outside_organisation' })
    expect(organisation).toBeNull()
  })

  it('refuses an answer about another organisation', async () => {
    consent()
    const json = { value: [{ id: UMBRELLA, displayName: 'Umbrella', verifiedDomains: [{ name: 'initech.test' }] }] }
    sandbox.microsoft.faults.add({ path: '/v1.0/organization', answer: { status: 200, json } })
    const { steps, organisation } = await check()
    expect(outcomes(steps)).toMatchObject({ organisation: 'microsoft.tenant_mismatch', mailbox: 'not-checked' })
    expect(organisation).toBeNull()
  })

  it('throws an outage, which says nothing about the consent', async () => {
    consent()
    sandbox.microsoft.faults.add({ error: 'provider.unavailable/graph' })
    await expect(check()).rejects.toMatchObject({ code: 'provider.unavailable' })
  })
})
