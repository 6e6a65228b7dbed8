import { buffer } from 'node:stream/consumers'
import { userFrom } from '../../../../apps/sandbox/google/organisation.js'
import { userSeed } from '../../../../apps/sandbox/google/seed.js'
import { type Sandbox, startSandbox } from '../../../../apps/sandbox/sandbox.js'
import { defaultSeed } from '../../../../apps/sandbox/seed/default-seed.js'
import type { SandboxSeed } from '../../../../apps/sandbox/seed/seed-schema.js'
import { type DelegatedPermission, permissionsOf, providerScopesFor } from '../delegated-scopes.js'
import type { MailboxKind, Organisation, OrganisationProvider } from '../provider.port.js'
import { providersForTests } from '../testing/providers-for-tests.js'
import { readGoogleKeyFile } from './google-credential.js'

const READ = permissionsOf(['read_only'])
const BOTH: MailboxKind[] = ['person', 'room']
const LOVELACE = 'c_1884lovelace0board0room@resource.calendar.google.com'
const TIMEOUT_MS = 2_500

describe('acting at Google with one organisation’s credential', () => {
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
    google = await open()
    sandbox.google.journal.clear()
  })

  const open = async () => {
    const opened = await providers.open({ googleSandboxUrl: new URL(sandbox.google.url), timeoutMs: TIMEOUT_MS })
    return opened.organisation('google')
  }
  /** As the sandbox numbers the people of its seed. */
  const idOf = (email: string) => userFrom(userSeed.parse({ email }), null).id

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

  describe('a person', () => {
    it('is proven by one token, with a look at the calendar and at whose it is', async () => {
      expect(await prove('Anna@Acme.test')).toEqual({
        email: 'anna@acme.test',
        kind: 'person',
        displayName: null,
        providerUserId: idOf('anna@acme.test'),
      })
      const [first, ...others] = calls()
      expect(first).toBe('anna@acme.test /token')
      expect(others.sort()).toEqual([
        'anna@acme.test /calendar/v3/users/me/calendarList/primary',
        'anna@acme.test /v1/userinfo',
      ])
    })

    it('is proven again with the token that was kept, and anew with another credential', async () => {
      await prove('anna@acme.test')
      await prove('anna@acme.test')
      expect(calls().filter((call) => call.endsWith('/token'))).toHaveLength(1)
      await prove('anna@acme.test', READ, BOTH, { ...acme, credentialVersion: 'version 2' })
      expect(calls().filter((call) => call.endsWith('/token'))).toHaveLength(2)
    })

    it('is minted for once when many ask at the same time', async () => {
      await Promise.all(Array.from({ length: 20 }, () => prove('anna@acme.test')))
      expect(calls().filter((call) => call.endsWith('/token'))).toHaveLength(1)
    })

    it('may be in any verified domain of the organisation', async () => {
      expect(await prove('carla@acme.example')).toMatchObject({ email: 'carla@acme.example' })
    })

    it('of another organisation is refused before anything is called', async () => {
      for (const email of ['greg@globex.test', 'anna@acme.test.evil.test', 'anna@sub.acme.test', 'nobody'])
        expect(await refusal(prove(email))).toMatchObject({
          key: 'google.mailbox_outside_organisation',
          effect: 'mailbox',
        })
      expect(calls()).toEqual([])
    })

    it('is the same under every address, old, new and alias, and is named by the primary one', async () => {
      const anna = { email: 'anna@acme.test', providerUserId: idOf('anna@acme.test') }
      expect(await prove('anna.arnold@acme.test')).toMatchObject(anna)
      sandbox.google.mutate('rename-user', { email: 'anna@acme.test', to: 'annette@acme.example' })
      for (const email of ['annette@acme.example', 'anna@acme.test'])
        expect(await prove(email)).toMatchObject({ ...anna, email: 'annette@acme.example' })
      sandbox.google.mutate('remove-alias', { email: 'annette@acme.example', alias: 'anna@acme.test' })
      google = await open()
      expect(await refusal(prove('anna@acme.test'))).toMatchObject({ key: 'google.subject_not_found' })
    })

    it('is found by an alias also where the token endpoint takes primary addresses only', async () => {
      sandbox.google.faults.add({
        error: 'google.subject_not_found',
        contains: 'anna.arnold@acme.test',
        path: '/token',
      })
      expect(await prove('anna.arnold@acme.test')).toMatchObject({ email: 'anna@acme.test' })
      expect(calls().at(-1)).toMatch(/^anna@acme.test /)
    })

    it('is somebody else once the address has been given away', async () => {
      sandbox.google.mutate('delete-user', { email: 'ben@acme.test' })
      sandbox.google.mutate('create-user', { email: 'ben@acme.test' })
      const { providerUserId } = await prove('ben@acme.test')
      expect(providerUserId).toMatch(/^\d{21}$/)
      expect(providerUserId).not.toBe(idOf('ben@acme.test'))
    })

    it('whose primary address is in no domain of the organisation is refused', async () => {
      const narrow = { ...acme, domains: ['acme.test'] }
      sandbox.google.mutate('rename-user', { email: 'ben@acme.test', to: 'ben@acme.example' })
      expect(await refusal(prove('ben@acme.test', READ, BOTH, narrow))).toMatchObject({
        key: 'google.mailbox_outside_organisation',
      })
    })

    it('is told apart: suspended, deleted, never heard of', async () => {
      sandbox.google.mutate('delete-user', { email: 'ben@acme.test' })
      expect(await refusal(prove('suspended@acme.test'))).toMatchObject({ key: 'google.subject_suspended' })
      expect(await refusal(prove('ben@acme.test'))).toMatchObject({ key: 'google.subject_deleted' })
      expect(await refusal(prove('nobody@acme.test'))).toMatchObject({ key: 'google.subject_not_found' })
    })

    it('keeps the first refusal when the directory does not answer', async () => {
      sandbox.google.faults.add({ path: '/admin/*', hang: true })
      expect(await refusal(prove('suspended@acme.test'))).toMatchObject({ key: 'google.subject_not_found' })
    })

    it('is neither found nor refused while we have to wait before the directory can be asked', async () => {
      sandbox.google.faults.add({ error: 'google.subject_not_found', path: '/token', times: 1 })
      sandbox.google.faults.add({ error: 'provider.throttled', path: '/token' })
      expect(await refusal(prove('anna.arnold@acme.test'))).toMatchObject({ key: 'provider.throttled', class: 'retry' })
    })

    it('without a calendar is refused', async () => {
      expect(await refusal(prove('nocalendar@acme.test'))).toMatchObject({
        key: 'google.calendar_service_off',
        effect: 'mailbox',
      })
    })

    it('is refused where only rooms were granted, before anything is called', async () => {
      expect(await refusal(prove('anna@acme.test', READ, ['room']))).toMatchObject({ key: 'google.kind_not_granted' })
      expect(calls()).toEqual([])
    })

    it('needs every scope that the permissions need, and no more', async () => {
      delegate(providerScopesFor('google', permissionsOf(['free_busy']), ['person']))
      expect(await prove('anna@acme.test', permissionsOf(['free_busy']))).toMatchObject({ kind: 'person' })
      expect(await refusal(prove('anna@acme.test', permissionsOf(['read_only'])))).toMatchObject({
        key: 'google.delegation_scope_missing',
        effect: 'connection',
      })
    })
  })

  describe('a room', () => {
    it('is proven through the directory and the administrator’s calendar', async () => {
      expect(await prove(LOVELACE)).toMatchObject({ email: LOVELACE, kind: 'room', displayName: 'Lovelace' })
      const paths = calls().map((call) => call.split(' ')[1])
      expect(paths).toEqual([
        '/token',
        '/admin/directory/v1/customer/my_customer/resources/calendars',
        '/token',
        '/calendar/v3/freeBusy',
      ])
      expect(new Set(calls().map((call) => call.split(' ')[0]))).toEqual(new Set(['admin@acme.test']))
    })

    it.each([
      ['read_free_busy', '/calendar/v3/freeBusy'],
      ['write_only', `/calendar/v3/calendars/${encodeURIComponent(LOVELACE)}/events`],
      ['list_calendars', '/calendar/v3/users/me/calendarList/primary'],
    ] as const)('is looked at with what %s grants', async (scope, path) => {
      await prove(LOVELACE, permissionsOf([scope]))
      expect(calls().at(-1)).toBe(`admin@acme.test ${path}`)
    })

    it('of another organisation is refused, and so is one that never was', async () => {
      for (const room of ['c_1990globex0room@resource.calendar.google.com', 'x@resource.calendar.google.com'])
        expect(await refusal(prove(room))).toMatchObject({ key: 'google.room_not_found', effect: 'mailbox' })
    })

    it('that free/busy cannot see is refused', async () => {
      const errors = [{ domain: 'global', reason: 'notFound' }]
      const json = { calendars: { [LOVELACE]: { errors, busy: [] } } }
      sandbox.google.faults.add({ path: '/calendar/v3/freeBusy', answer: { status: 200, json } })
      expect(await refusal(prove(LOVELACE))).toMatchObject({ key: 'google.not_found' })
    })

    it('is refused where only people were granted, before anything is called', async () => {
      expect(await refusal(prove(LOVELACE, READ, ['person']))).toMatchObject({ key: 'google.kind_not_granted' })
      expect(calls()).toEqual([])
    })

    it('cannot be reached once the administrator has left, which is the connection’s trouble and not the room’s', async () => {
      sandbox.google.mutate('suspend-user', { email: 'admin@acme.test' })
      expect(await refusal(prove(LOVELACE))).toMatchObject({
        key: 'google.administrator_unavailable',
        effect: 'connection',
      })
    })

    it('is listed, page after page', async () => {
      const rooms = Array.from({ length: 1_001 }, (_, index) => ({
        email: `room${index}@resource.calendar.google.com`,
        name: `Room ${index}`,
      }))
      const [first, ...others] = seed.google.organisations
      sandbox.google.reseed({ ...seed.google, organisations: [{ ...first, rooms }, ...others] })
      delegate(providerScopesFor('google', READ, BOTH))
      const listed = await Array.fromAsync(google.listRooms(acme))
      expect(new Set(listed.map(({ email }) => email)).size).toBe(1_001)
    })

    it('is listed with its place', async () => {
      const [lovelace] = await Array.fromAsync(google.listRooms(acme))
      expect(lovelace).toEqual({ email: LOVELACE, name: 'Lovelace', capacity: 12, building: 'berlin', floor: '2' })
    })
  })

  describe('a read', () => {
    const read = async (email: string, kind: MailboxKind, pathAndQuery: string) => {
      const providerUserId = kind === 'person' ? idOf(email) : 'of the room'
      const answer = await google.callAs(acme, { email, kind, providerUserId }, READ, {
        method: 'GET' as const,
        pathAndQuery,
        headers: { accept: 'application/json' },
      })
      const json = JSON.parse(String(Buffer.isBuffer(answer.body) ? answer.body : await buffer(answer.body)))
      return { ...answer, json }
    }

    it('is sent as the person', async () => {
      const { status, headers, json } = await read(
        'anna@acme.test',
        'person',
        '/calendar/v3/calendars/primary/events?maxResults=2',
      )
      expect([status, json.summary, json.items.length]).toEqual([200, 'anna@acme.test', 2])
      expect(headers['content-type']).toContain('application/json')
      expect(calls().at(-1)).toBe('anna@acme.test /calendar/v3/calendars/primary/events')
    })

    it('is sent as the administrator for a room', async () => {
      const { status, json } = await read(
        LOVELACE,
        'room',
        `/calendar/v3/calendars/${encodeURIComponent(LOVELACE)}/events`,
      )
      expect([status, json.kind]).toEqual([200, 'calendar#events'])
      expect(calls().at(-1)).toMatch(/^admin@acme\.test /)
    })

    it('uses the token of the proof', async () => {
      await prove('anna@acme.test')
      await read('anna@acme.test', 'person', '/calendar/v3/calendars/primary/events')
      expect(calls().filter((call) => call.endsWith('/token'))).toHaveLength(1)
    })

    it('hands on what Google answers, refusals included', async () => {
      const { status, json } = await read(
        'anna@acme.test',
        'person',
        '/calendar/v3/calendars/greg%40globex.test/events',
      )
      expect([status, json.error.errors[0].reason]).toEqual([404, 'notFound'])
    })

    it('asks whose a token is once, and not at all after a proof with it', async () => {
      await read('ben@acme.test', 'person', '/calendar/v3/calendars/primary/events')
      await read('ben@acme.test', 'person', '/calendar/v3/calendars/primary/events')
      expect(calls().filter((call) => call.endsWith('/userinfo'))).toHaveLength(1)
      await prove('anna@acme.test')
      await read('anna@acme.test', 'person', '/calendar/v3/calendars/primary/events')
      expect(calls().filter((call) => call.endsWith('/userinfo'))).toHaveLength(2)
    })

    it('goes on after a rename, and is refused once somebody else has the address', async () => {
      const events = '/calendar/v3/calendars/primary/events'
      sandbox.google.mutate('rename-user', { email: 'ben@acme.test', to: 'benjamin@acme.test' })
      expect(await read('ben@acme.test', 'person', events)).toMatchObject({ status: 200 })
      sandbox.google.mutate('remove-alias', { email: 'benjamin@acme.test', alias: 'ben@acme.test' })
      sandbox.google.mutate('rename-user', { email: 'anna@acme.test', to: 'ben@acme.test' })
      google = await open()
      const calendars = () => calls().filter((call) => call.endsWith('/events')).length
      const before = calendars()
      expect(await refusal(read('ben@acme.test', 'person', events))).toMatchObject({
        key: 'grant.mailbox_reassigned',
        effect: 'mailbox',
        fix: expect.stringContaining('revoke'),
      })
      expect(calendars()).toBe(before)
    })

    it('follows the person to a new address when the old one is gone, and asks the directory for it once', async () => {
      const events = '/calendar/v3/calendars/primary/events'
      sandbox.google.mutate('rename-user', { email: 'ben@acme.test', to: 'benjamin@acme.test' })
      sandbox.google.mutate('remove-alias', { email: 'benjamin@acme.test', alias: 'ben@acme.test' })
      google = await open()
      expect(await read('ben@acme.test', 'person', events)).toMatchObject({ status: 200 })
      const lookups = () => calls().filter((call) => call.includes('/users/')).length
      const before = lookups()
      expect(await read('ben@acme.test', 'person', events)).toMatchObject({ status: 200 })
      expect(before).toBe(1)
      expect(lookups()).toBe(before)
    })

    it.each([
      ['suspend-user', 'google.subject_suspended'],
      ['delete-user', 'google.subject_deleted'],
    ])('says by %s what became of a person who cannot be acted as', async (change, key) => {
      sandbox.google.mutate(change, { email: 'ben@acme.test' })
      google = await open()
      const events = '/calendar/v3/calendars/primary/events'
      expect(await refusal(read('ben@acme.test', 'person', events))).toMatchObject({ key, effect: 'mailbox' })
    })

    it('does not say so while the directory does not answer', async () => {
      sandbox.google.mutate('suspend-user', { email: 'ben@acme.test' })
      sandbox.google.faults.add({ path: '/admin/*', answer: { status: 503, text: 'away' } })
      google = await open()
      const events = '/calendar/v3/calendars/primary/events'
      expect(await refusal(read('ben@acme.test', 'person', events))).toMatchObject({ key: 'google.subject_not_found' })
    })

    it('survives a token that has been revoked, once', async () => {
      sandbox.google.faults.add({ error: 'provider.token_rejected', times: 1 })
      expect((await read('anna@acme.test', 'person', '/calendar/v3/calendars/primary/events')).status).toBe(200)
      sandbox.google.faults.add({ error: 'provider.token_rejected' })
      const again = read('anna@acme.test', 'person', '/calendar/v3/calendars/primary/events')
      expect(await refusal(again)).toMatchObject({ key: 'provider.token_rejected' })
    })
  })
})
