import { buffer } from 'node:stream/consumers'
import { Secret } from '#platform/secrets/secret.js'
import { newSigningKey } from '../../../../apps/sandbox/core/self-signed-certificate.js'
import { INITECH, UMBRELLA } from '../../../../apps/sandbox/microsoft/default-seed.js'
import type { MicrosoftSeedInput } from '../../../../apps/sandbox/microsoft/seed.js'
import { type Sandbox, startSandbox } from '../../../../apps/sandbox/sandbox.js'
import { defaultSeed, type OperatorCredentials } from '../../../../apps/sandbox/seed/default-seed.js'
import type { SandboxSeed } from '../../../../apps/sandbox/seed/seed-schema.js'
import { permissionsOf } from '../delegated-scopes.js'
import type { MailboxKind, MicrosoftCredential, Organisation, OrganisationProvider } from '../provider.port.js'
import { providersForTests } from '../testing/providers-for-tests.js'

const READ = permissionsOf(['read_only'])
const BOTH: MailboxKind[] = ['person', 'room']
type UserInput = NonNullable<NonNullable<MicrosoftSeedInput['tenants']>[number]['users']>[number]
const APOLLO = 'room.apollo@initech.test'

describe('acting at Microsoft with one organisation’s credential', () => {
  const providers = providersForTests()
  let sandbox: Sandbox
  let seed: SandboxSeed
  let operator: OperatorCredentials
  let initech: Organisation
  let microsoft: OrganisationProvider

  beforeAll(async () => {
    ;({ seed, operator } = await defaultSeed())
    sandbox = await startSandbox({ seed })
  })
  afterAll(() => sandbox.stop())

  beforeEach(async () => {
    sandbox.microsoft.reseed(seed.microsoft)
    sandbox.microsoft.faults.clear()
    sandbox.microsoft.mutate('grant-consent')
    await startAnew()
    sandbox.microsoft.journal.clear()
    initech = {
      id: INITECH,
      domains: ['initech.test', 'initech.onmicrosoft.test'],
      administratorEmail: 'admin@initech.test',
      credential: bySecret(),
      credentialVersion: 'version 1',
    }
  })

  const startAnew = async () => {
    const opened = await providers.open({ microsoftSandboxUrl: new URL(sandbox.microsoft.url), timeoutMs: 2_500 })
    microsoft = opened.organisation('microsoft')
  }
  const withUsers = async (...added: UserInput[]) => {
    const [first, ...others] = seed.microsoft.tenants
    const users = [...first!.users, ...added]
    sandbox.microsoft.reseed({ ...seed.microsoft, tenants: [{ ...first, users }, ...others] })
    sandbox.microsoft.mutate('grant-consent')
    await startAnew()
  }
  const bySecret = (value = operator.microsoftApp.clientSecret): MicrosoftCredential => ({
    provider: 'microsoft',
    clientId: operator.microsoftApp.clientId,
    cloud: null,
    proof: { kind: 'secret', clientSecret: new Secret(value) },
  })
  const byCertificate = (privateKey = operator.microsoftApp.privateKeyPem): MicrosoftCredential => ({
    provider: 'microsoft',
    clientId: operator.microsoftApp.clientId,
    cloud: null,
    proof: {
      kind: 'certificate',
      certificatePem: operator.microsoftApp.certificatePem,
      privateKey: new Secret(privateKey),
      sendChain: false,
    },
  })
  const prove = (email: string, mayBe = BOTH, organisation = initech) =>
    microsoft.proveMailbox(organisation, email, READ, mayBe)
  const refusal = (proof: Promise<unknown>) =>
    proof.then(
      () => null,
      (error) => error.facts,
    )
  const calls = () => sandbox.microsoft.journal.list({}).map(({ path }) => decodeURIComponent(path.split('?')[0]!))
  const tokenCalls = () => calls().filter((path) => path.endsWith('/token')).length

  describe('a person', () => {
    it('is proven by the directory and the calendar, with the id that survives renames', async () => {
      const proof = await prove('Milton@Initech.test')
      expect(proof).toEqual({
        email: 'milton@initech.test',
        kind: 'person',
        displayName: 'Milton Waddams',
        providerUserId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      })
      expect(calls()).toEqual([
        `/${INITECH}/oauth2/v2.0/token`,
        '/v1.0/users/milton@initech.test',
        `/v1.0/users/${proof.providerUserId}/calendar`,
      ])
    })

    it('shares the organisation’s one token with everybody else', async () => {
      await Promise.all(['milton', 'bill', 'admin', 'helpdesk'].map((name) => prove(`${name}@initech.test`)))
      await prove('milton@initech.test')
      expect(tokenCalls()).toBe(1)
    })

    it('of another organisation is refused before anything is called', async () => {
      expect(await refusal(prove('ursula@umbrella.test'))).toMatchObject({
        key: 'microsoft.mailbox_outside_organisation',
      })
      expect(calls()).toEqual([])
    })

    it('is the same under every address, old, new and alias, and is named by the primary one', async () => {
      const bill = { email: 'bill@initech.test', providerUserId: (await prove('bill@initech.test')).providerUserId }
      expect(await prove('bill.lumbergh@initech.test')).toMatchObject(bill)
      sandbox.microsoft.mutate('rename-user', { email: 'bill@initech.test', to: 'william@initech.test' })
      for (const email of ['william@initech.test', 'bill@initech.test', 'bill.lumbergh@initech.test'])
        expect(await prove(email)).toMatchObject({ ...bill, email: 'william@initech.test' })
      sandbox.microsoft.mutate('remove-alias', { email: 'william@initech.test', alias: 'bill@initech.test' })
      expect(await refusal(prove('bill@initech.test'))).toMatchObject({ key: 'microsoft.user_not_found' })
      sandbox.microsoft.mutate('create-user', { upn: 'bill@initech.test' })
      expect((await prove('bill@initech.test')).providerUserId).not.toBe(bill.providerUserId)
    })

    it('is whoever has the address, also where the sign-in name of another looks like it', async () => {
      const milton = (await prove('milton@initech.test')).providerUserId
      await withUsers(
        { upn: 'peter@initech.test', mail: 'p.gibbons@initech.test' },
        { upn: 'e4711@initech.onmicrosoft.test', mail: 'peter@initech.test' },
      )
      expect(await prove('peter@initech.test')).toMatchObject({ email: 'peter@initech.test', displayName: 'E4711' })
      expect(await prove('p.gibbons@initech.test')).toMatchObject({ displayName: 'Peter' })
      // Where nobody has it for an address, a sign-in name will do.
      expect(await prove('e4711@initech.onmicrosoft.test')).toMatchObject({ email: 'peter@initech.test' })
      expect(await prove('milton@initech.test')).toMatchObject({ providerUserId: milton })
    })

    it('whose primary address is in no domain of the organisation is refused', async () => {
      await withUsers({ upn: 'e4711@initech.test', mail: 'peter@elsewhere.test', aliases: ['peter@initech.test'] })
      expect(await refusal(prove('peter@initech.test'))).toMatchObject({
        key: 'microsoft.mailbox_outside_organisation',
      })
    })

    it('may be a shared mailbox, which nobody signs in to, where Microsoft may be asked whether it is one', async () => {
      await withUsers({ upn: 'sales@initech.test', accountEnabled: false, purpose: 'shared' })
      const refused = await refusal(prove('sales@initech.test'))
      expect(refused).toMatchObject({
        key: 'microsoft.user_disabled',
        fix: expect.stringContaining('MailboxSettings.Read'),
      })
      const permissions = seed.microsoft.registrations.flatMap((one) => one.permissions)
      sandbox.microsoft.mutate('grant-consent', { permissions: [...permissions, 'MailboxSettings.Read'] })
      await startAnew()
      expect(await prove('sales@initech.test')).toMatchObject({ kind: 'person', email: 'sales@initech.test' })
      expect(await refusal(prove('disabled@initech.test'))).toMatchObject({ key: 'microsoft.user_disabled' })
    })

    it('is reached through Exchange alone, within the mailboxes that its roles are for', async () => {
      const [first, ...others] = seed.microsoft.tenants
      const roleAssignments = [
        {
          clientId: operator.microsoftApp.clientId,
          role: 'Application Calendars.Read',
          mailboxes: ['bill@initech.test'],
        },
      ]
      sandbox.microsoft.reseed({ ...seed.microsoft, tenants: [{ ...first, roleAssignments }, ...others] })
      sandbox.microsoft.mutate('grant-consent', { permissions: ['User.Read.All'] })
      await startAnew()
      expect(await prove('bill@initech.test', ['person'])).toMatchObject({ email: 'bill@initech.test' })
      expect(await refusal(prove('milton@initech.test', ['person']))).toMatchObject({
        key: 'microsoft.mailbox_access_denied',
        effect: 'mailbox',
      })
    })

    it.each([
      ['disabled@initech.test', 'microsoft.user_disabled'],
      ['excluded@initech.test', 'microsoft.mailbox_excluded_by_policy'],
      ['nomailbox@initech.test', 'microsoft.mailbox_not_found'],
      ['nobody@initech.test', 'microsoft.user_not_found'],
      ["o'neil@initech.test", 'microsoft.user_not_found'],
    ])('%s is refused with %s, which ends this mailbox only', async (email, key) => {
      expect(await refusal(prove(email))).toMatchObject({ key, effect: 'mailbox', class: 'permanent' })
    })

    it.each(['on-premises', 'soft-deleted'])('with a mailbox that is %s is refused', async (mailbox) => {
      sandbox.microsoft.mutate('set-mailbox', { email: 'milton@initech.test', mailbox })
      expect(await refusal(prove('milton@initech.test'))).toMatchObject({ key: 'microsoft.mailbox_not_enabled' })
    })

    it('is refused where only rooms were granted, and a room where only people were', async () => {
      expect(await refusal(prove('milton@initech.test', ['room']))).toMatchObject({ key: 'microsoft.kind_not_granted' })
      expect(await refusal(prove(APOLLO, ['person']))).toMatchObject({ key: 'microsoft.kind_not_granted' })
    })

    it('is proven without the permission for places where only people were granted', async () => {
      sandbox.microsoft.mutate('remove-permission', { permission: 'Place.Read.All' })
      expect(await prove('milton@initech.test', ['person'])).toMatchObject({ kind: 'person' })
      expect(await refusal(prove('milton@initech.test', ['room']))).toMatchObject({
        key: 'microsoft.permission_missing',
        effect: 'connection',
      })
    })

    it('is refused when the calendar that opens is somebody else’s', async () => {
      const json = { id: 'x', name: 'Calendar', owner: { name: 'Bill', address: 'bill@initech.test' } }
      for (const answer of [json, { id: 'x', name: 'Calendar' }]) {
        sandbox.microsoft.faults.clear()
        sandbox.microsoft.faults.add({ path: '/v1.0/users/*/calendar', answer: { status: 200, json: answer } })
        expect(await refusal(prove('milton@initech.test'))).toMatchObject({ key: 'microsoft.mailbox_mismatch' })
      }
    })
  })

  describe('a room', () => {
    it('is proven although nobody can sign in as it', async () => {
      expect(await prove(APOLLO)).toMatchObject({ email: APOLLO, kind: 'room', displayName: 'Apollo' })
      expect(await prove(APOLLO, ['room'])).toMatchObject({ kind: 'room' })
    })

    it('is listed, page after page', async () => {
      const rooms = Array.from({ length: 201 }, (_, index) => ({
        email: `room${index}@initech.test`,
        displayName: `Room ${index}`,
        building: 'Main',
        floorNumber: 3,
        capacity: 5,
      }))
      const [first, ...others] = seed.microsoft.tenants
      sandbox.microsoft.reseed({ ...seed.microsoft, tenants: [{ ...first, rooms, roomLists: [] }, ...others] })
      sandbox.microsoft.mutate('grant-consent')
      const listed = await Array.fromAsync(microsoft.listRooms(initech))
      expect(new Set(listed.map(({ email }) => email)).size).toBe(201)
      expect(listed[0]).toEqual({
        email: 'room0@initech.test',
        name: 'Room 0',
        capacity: 5,
        building: 'Main',
        floor: '3',
      })
    })

    it('is not looked for on a foreign next page, which would get the token', async () => {
      const next = `${sandbox.google.url}/v1.0/places/microsoft.graph.room`
      const json = { value: [], '@odata.nextLink': next }
      sandbox.microsoft.faults.add({ path: '/v1.0/places/*', answer: { status: 200, json } })
      expect(await refusal(Array.fromAsync(microsoft.listRooms(initech)))).toMatchObject({ class: 'retry' })
      expect(sandbox.google.journal.list({})).toEqual([])
    })
  })

  describe('a read', () => {
    const read = async (pathAndQuery: string) => {
      const mailbox = { email: 'milton@initech.test', kind: 'person', providerUserId: 'not looked at' } as const
      const answer = await microsoft.callAs(initech, mailbox, READ, {
        method: 'GET' as const,
        pathAndQuery,
        headers: { accept: 'application/json' },
      })
      return {
        ...answer,
        json: JSON.parse(String(Buffer.isBuffer(answer.body) ? answer.body : await buffer(answer.body))),
      }
    }

    it('is sent with the organisation’s token, and answered as it is', async () => {
      const { status, json } = await read('/v1.0/users/milton@initech.test/events?$top=2')
      expect([status, json.value.length]).toEqual([200, 2])
      const refused = await read('/v1.0/users/nobody@initech.test/events')
      expect([refused.status, refused.json.error.code]).toEqual([404, 'ErrorInvalidUser'])
    })

    it('survives a token that has been revoked, once', async () => {
      sandbox.microsoft.faults.add({ error: 'provider.token_rejected', times: 1 })
      expect((await read('/v1.0/users/milton@initech.test/events')).status).toBe(200)
      expect(tokenCalls()).toBe(2)
      sandbox.microsoft.faults.add({ error: 'provider.token_rejected' })
      expect(await refusal(read('/v1.0/users/milton@initech.test/events'))).toMatchObject({
        key: 'provider.token_rejected',
      })
    })
  })

  describe('the credential', () => {
    it('may be a certificate', async () => {
      expect(await prove('milton@initech.test', BOTH, { ...initech, credential: byCertificate() })).toMatchObject({
        kind: 'person',
      })
    })

    it('of a certificate with another key is refused before anything is sent', async () => {
      const stranger = (await newSigningKey()).export({ type: 'pkcs8', format: 'pem' }) as string
      const proof = prove('milton@initech.test', BOTH, { ...initech, credential: byCertificate(stranger) })
      expect(await refusal(proof)).toMatchObject({ key: 'microsoft.certificate_mismatch', class: 'fatal' })
      expect(calls()).toEqual([])
    })

    it('is asked for anew when its version changes', async () => {
      await prove('milton@initech.test')
      await prove('milton@initech.test', BOTH, { ...initech, credentialVersion: 'version 2' })
      expect(tokenCalls()).toBe(2)
    })

    it('that is wrong, expired or without consent concerns the whole connection', async () => {
      const wrong = { ...initech, credential: bySecret('wrong') }
      expect(await refusal(prove('milton@initech.test', BOTH, wrong))).toMatchObject({
        key: 'microsoft.secret_invalid',
        class: 'fatal',
      })
      sandbox.microsoft.mutate('expire-secret')
      expect(await refusal(prove('milton@initech.test'))).toMatchObject({
        key: 'microsoft.secret_expired',
        class: 'fatal',
      })
      expect(
        await refusal(prove('ursula@umbrella.test', BOTH, { ...initech, id: UMBRELLA, domains: ['umbrella.test'] })),
      ).toMatchObject({
        key: 'microsoft.app_not_in_tenant',
        class: 'permanent',
        effect: 'connection',
      })
    })

    it('never leads to a token of another organisation', async () => {
      sandbox.microsoft.mutate('grant-consent', { organisation: 'umbrella.test' })
      const umbrella = { ...initech, id: UMBRELLA, domains: ['umbrella.test'] }
      await Promise.all([
        expect(prove('milton@initech.test')).resolves.toMatchObject({ displayName: 'Milton Waddams' }),
        expect(prove('ursula@umbrella.test', BOTH, umbrella)).resolves.toMatchObject({ displayName: 'Ursula Under' }),
      ])
      // As if Microsoft, or a cache on the way, mixed two organisations up.
      const claims = Buffer.from(JSON.stringify({ tid: UMBRELLA })).toString('base64url')
      const json = { token_type: 'Bearer', expires_in: 3599, access_token: `e30.${claims}.x` }
      sandbox.microsoft.faults.add({ path: '/*/oauth2/v2.0/token', answer: { status: 200, json } })
      const proof = prove('milton@initech.test', BOTH, { ...initech, credentialVersion: 'version 2' })
      expect(await refusal(proof)).toMatchObject({ key: 'microsoft.tenant_mismatch' })
    })
  })
})
