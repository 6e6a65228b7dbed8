import { type Sandbox, startSandbox } from '../../../../apps/sandbox/sandbox.js'
import { defaultSeed, type OperatorCredentials } from '../../../../apps/sandbox/seed/default-seed.js'
import type { SandboxSeed } from '../../../../apps/sandbox/seed/seed-schema.js'
import type {
  AdministratorProvider,
  CheckStep,
  OrganisationClaim,
  VerifiedOrganisation,
} from '../administrator.port.js'
import { permissionsOf, providerScopesFor } from '../delegated-scopes.js'
import { providersForTests } from '../testing/providers-for-tests.js'
import { readGoogleKeyFile } from './google-credential.js'

const CLIENT_ID = '108844220066113355779'

describe('the live check of an organisation at Google', () => {
  const providers = providersForTests()
  let sandbox: Sandbox
  let seed: SandboxSeed
  let operator: OperatorCredentials
  let google: AdministratorProvider

  beforeAll(async () => {
    ;({ seed, operator } = await defaultSeed())
    sandbox = await startSandbox({ seed })
    const opened = await providers.open({ googleSandboxUrl: new URL(sandbox.google.url), timeoutMs: 2_500 })
    google = opened.administrator('google')
  })
  afterAll(() => sandbox.stop())
  beforeEach(() => {
    sandbox.google.reseed(seed.google)
    sandbox.google.faults.clear()
    sandbox.google.journal.clear()
  })

  const claim = (changes: Partial<OrganisationClaim> = {}): OrganisationClaim => ({
    credential: readGoogleKeyFile(JSON.stringify(operator.googleKeyFile)),
    administratorEmail: 'admin@acme.test',
    organisation: 'acme.test',
    provenBy: 'sign-in',
    permissions: permissionsOf(['read_only']),
    kinds: ['person', 'room'],
    ...changes,
  })
  const scopesOf = ({ permissions, kinds }: OrganisationClaim) => providerScopesFor('google', permissions, kinds)
  const delegate = (scopes: string[], organisation = 'acme.test') =>
    sandbox.google.mutate('add-delegation', { clientId: CLIENT_ID, scopes, organisation })
  const check = async (what: OrganisationClaim) => {
    const steps: CheckStep[] = []
    const running = google.checkOrganisation(what)
    let next = await running.next()
    for (; !next.done; next = await running.next()) steps.push(next.value)
    return { steps, organisation: next.value as VerifiedOrganisation | null }
  }
  const outcomes = (steps: CheckStep[]) =>
    Object.fromEntries(steps.map(({ id, outcome, key }) => [id.replace(/^permission:.*\//, ''), key ?? outcome]))

  it('passes, and returns the organisation with all its verified domains', async () => {
    delegate(scopesOf(claim()))
    const { steps, organisation } = await check(claim())
    expect(outcomes(steps)).toEqual({
      credential: 'passed',
      'calendar.calendarlist.readonly': 'passed',
      'calendar.events.readonly': 'passed',
      'calendar.freebusy': 'passed',
      'userinfo.email': 'passed',
      'admin.directory.user.readonly': 'passed',
      'admin.directory.domain.readonly': 'passed',
      'admin.directory.resource.calendar.readonly': 'passed',
      administrator: 'passed',
      organisation: 'passed',
      rooms: 'passed',
      mailbox: 'passed',
    })
    expect(organisation).toEqual({
      id: 'C01abc234',
      name: 'acme.test',
      domains: ['acme.test', 'acme-mail.test', 'acme.example'],
      administratorEmail: 'admin@acme.test',
    })
  })

  it('costs one token when everything is in order', async () => {
    delegate(scopesOf(claim()))
    await check(claim())
    expect(sandbox.google.journal.list({ path: '/token' })).toHaveLength(1)
  })

  it('leaves rooms alone where none are asked for', async () => {
    const people = claim({ kinds: ['person'] })
    delegate(scopesOf(people))
    const { steps, organisation } = await check(people)
    expect(steps.map(({ id }) => id)).not.toContain('rooms')
    expect(organisation).not.toBeNull()
  })

  it('names exactly the scopes that are missing, in at most as many probes as there are scopes', async () => {
    const people = claim({ kinds: ['person'] })
    const scopes = scopesOf(people)
    expect(scopes).toHaveLength(6)
    for (let subset = 1; subset < 2 ** scopes.length; subset++) {
      const missing = scopes.map((_, index) => index).filter((index) => subset & (1 << index))
      sandbox.google.reseed(seed.google)
      sandbox.google.journal.clear()
      const granted = scopes.filter((_, index) => !missing.includes(index))
      if (granted.length > 0) delegate(granted)
      const { steps, organisation } = await check(people)
      const failing = steps.filter(({ outcome }) => outcome === 'failed')
      expect(failing.map(({ id }) => id)).toEqual(missing.map((index) => `permission:${scopes[index]}`))
      for (const { fix } of failing) expect(fix).toContain(CLIENT_ID)
      expect(failing[0]?.fix).toContain(scopes[missing[0]!])
      expect(failing[0]?.fix).toContain('24 hours')
      expect(organisation).toBeNull()
      expect(sandbox.google.journal.list({ path: '/token' }).length).toBeLessThanOrEqual(scopes.length + 1)
    }
  })

  it('reports every line once, in the same order, however early it ends', async () => {
    delegate(scopesOf(claim()))
    const all = (await check(claim())).steps.map(({ id }) => id)
    sandbox.google.mutate('disable-key', { serviceAccount: CLIENT_ID })
    const { steps, organisation } = await check(claim())
    expect(steps.map(({ id }) => id)).toEqual(all)
    expect(steps[0]).toMatchObject({ id: 'credential', outcome: 'failed', key: 'google.credential_key_invalid' })
    expect(new Set(steps.slice(1).map(({ outcome }) => outcome))).toEqual(new Set(['not-checked']))
    expect(organisation).toBeNull()
  })

  it.each([
    ['anna@acme.test', 'google.directory_admin_required'],
    ['helpdesk@acme.test', 'google.not_administrator'],
    ['nobody@acme.test', 'google.subject_not_found'],
    ['suspended@acme.test', 'google.subject_not_found'],
  ])('refuses %s as the administrator: %s', async (administratorEmail, key) => {
    delegate(scopesOf(claim()))
    const { steps, organisation } = await check(claim({ administratorEmail }))
    expect(outcomes(steps)).toMatchObject({ credential: 'passed', administrator: key, organisation: 'not-checked' })
    expect(organisation).toBeNull()
  })

  it('refuses an organisation that is not the administrator’s own', async () => {
    delegate(scopesOf(claim()))
    for (const organisation of ['globex.test', 'test', '', 'acme.test.evil.test']) {
      const result = await check(claim({ organisation }))
      expect(outcomes(result.steps)).toMatchObject({ organisation: 'google.organisation_mismatch' })
      expect(result.organisation).toBeNull()
    }
  })

  it('does not count a domain that is not verified', async () => {
    const [acme, ...others] = seed.google.organisations
    const domains = [acme!.domains[0]!, { name: 'acme.example', verified: false, aliases: [] }]
    sandbox.google.reseed({ ...seed.google, organisations: [{ ...acme, domains }, ...others] })
    delegate(scopesOf(claim()))
    expect((await check(claim())).organisation?.domains).toEqual(['acme.test', 'acme-mail.test'])
    expect((await check(claim({ organisation: 'acme.example' }))).organisation).toBeNull()
  })

  it('fails at the mailbox when the administrator has no calendar', async () => {
    delegate(scopesOf(claim()))
    sandbox.google.mutate('calendar-off', { email: 'admin@acme.test' })
    const { steps, organisation } = await check(claim())
    expect(steps.at(-1)).toMatchObject({ id: 'mailbox', outcome: 'failed', key: 'google.calendar_service_off' })
    expect(organisation).toBeNull()
  })

  it('looks at what is granted now, and not at a token from before', async () => {
    delegate(scopesOf(claim()))
    expect((await check(claim())).organisation).not.toBeNull()
    sandbox.google.mutate('remove-delegation', { clientId: CLIENT_ID })
    expect((await check(claim())).organisation).toBeNull()
  })

  it('throws an outage, which says nothing about the delegation', async () => {
    delegate(scopesOf(claim()))
    sandbox.google.faults.add({ path: '/admin/*', error: 'provider.unavailable/html' })
    await expect(check(claim())).rejects.toMatchObject({ code: 'provider.unavailable' })
  })
})
