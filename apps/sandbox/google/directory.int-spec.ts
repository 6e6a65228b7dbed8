import { type Sandbox, startSandbox } from '../sandbox.js'
import { defaultSeed, type OperatorCredentials } from '../seed/default-seed.js'
import type { SandboxSeed } from '../seed/seed-schema.js'
import { vendorClients } from './vendor-clients.js'

const scope = (name: string) => `https://www.googleapis.com/auth/admin.directory.${name}`
const SCOPES = ['user.readonly', 'domain.readonly', 'customer.readonly', 'resource.calendar.readonly'].map(scope)

describe('the Directory', () => {
  let operator: OperatorCredentials
  let seed: SandboxSeed
  let sandbox: Sandbox

  beforeAll(async () => {
    ;({ seed, operator } = await defaultSeed({ mailboxes: 30 }))
    sandbox = await startSandbox({ seed })
  })
  afterAll(() => sandbox.stop())

  beforeEach(() => {
    sandbox.google.reseed(seed.google)
    sandbox.google.journal.clear()
    for (const organisation of ['acme.test', 'globex.test']) {
      sandbox.google.mutate('add-delegation', {
        organisation,
        clientId: operator.googleKeyFile.client_id,
        scopes: SCOPES,
      })
    }
  })

  const directory = (subject: string | undefined = 'admin@acme.test', scopes = SCOPES) => {
    const clients = vendorClients(sandbox.google.url, operator)
    return clients.directory(clients.delegated(operator.googleKeyFile, subject, scopes))
  }
  const refusal = (status: number, message: string, reason: string) => ({
    status,
    response: { data: { error: { code: status, message, errors: [{ domain: 'global', reason }] } } },
  })
  const notAuthorized = refusal(403, 'Not Authorized to access this resource/api', 'forbidden')

  it('lists everybody of the organisation, page by page, in order', async () => {
    const emails: string[] = []
    let pageToken: string | undefined
    let pages = 0
    do {
      const { data } = await directory().users.list({
        customer: 'my_customer',
        maxResults: 10,
        orderBy: 'email',
        ...(pageToken && { pageToken }),
      })
      emails.push(...(data.users ?? []).map(({ primaryEmail }) => primaryEmail!))
      pageToken = data.nextPageToken ?? undefined
      pages += 1
    } while (pageToken)
    expect([emails.length, new Set(emails).size, pages]).toEqual([37, 37, 4])
    expect(emails).toEqual([...emails].sort())
    expect(emails.some((email) => email.endsWith('globex.test'))).toBe(false)
  })

  it('narrows by domain and by query', async () => {
    const emailsOf = async (options: object) => {
      const { data } = await directory().users.list({ customer: 'my_customer', ...options })
      return (data.users ?? []).map(({ primaryEmail }) => primaryEmail)
    }
    expect(await emailsOf({ customer: undefined, domain: 'acme.example' })).toEqual(['carla@acme.example'])
    expect(await emailsOf({ query: 'isSuspended=true' })).toEqual(['suspended@acme.test'])
    expect(await emailsOf({ query: 'isAdmin=true' })).toEqual(['admin@acme.test'])
    expect(await emailsOf({ query: 'email:ann*' })).toEqual(['anna@acme.test'])
    await expect(emailsOf({ query: 'shoeSize=44' })).rejects.toMatchObject(
      refusal(400, 'Invalid Input: query', 'invalid'),
    )
    await expect(emailsOf({ maxResults: 0 })).rejects.toMatchObject({ status: 400 })
    await expect(emailsOf({ pageToken: 'x' })).rejects.toMatchObject({ status: 400 })
    await expect(emailsOf({ customer: undefined })).rejects.toMatchObject(refusal(400, 'Bad Request', 'badRequest'))
  })

  it('finds a person by address, alias or id, with what tells the states apart', async () => {
    const { users } = directory()
    const anna = (await users.get({ userKey: 'anna.arnold@acme.test' })).data
    expect(anna).toMatchObject({
      primaryEmail: 'anna@acme.test',
      aliases: ['anna.arnold@acme.test'],
      customerId: 'C01abc234',
      isAdmin: false,
      isDelegatedAdmin: false,
      suspended: false,
      archived: false,
      isMailboxSetup: true,
      orgUnitPath: '/',
      name: { fullName: 'Anna Arnold' },
    })
    expect((await users.get({ userKey: anna.id! })).data.primaryEmail).toBe('anna@acme.test')
    expect((await users.get({ userKey: 'suspended@acme.test' })).data.suspended).toBe(true)
    expect((await users.get({ userKey: 'admin@acme.test' })).data.isAdmin).toBe(true)
  })

  it('keeps one organisation from another', async () => {
    const missing = refusal(404, 'Resource Not Found: userKey', 'notFound')
    await expect(directory().users.get({ userKey: 'greg@globex.test' })).rejects.toMatchObject(missing)
    await expect(directory().users.get({ userKey: 'nobody@acme.test' })).rejects.toMatchObject(missing)
    await expect(directory().users.list({ customer: 'C09xyz876' })).rejects.toMatchObject(notAuthorized)
    await expect(directory().domains.list({ customer: 'C09xyz876' })).rejects.toMatchObject(notAuthorized)
    await expect(directory().users.list({ domain: 'globex.test' })).rejects.toMatchObject({ status: 404 })
    const { data } = await directory('admin@globex.test').resources.calendars.list({ customer: 'my_customer' })
    expect(data.items?.map(({ resourceName }) => resourceName)).toEqual(['Springfield'])
  })

  it('opens for administrators and delegated administrators only', async () => {
    const list = (subject: string) => directory(subject).users.list({ customer: 'my_customer' })
    expect((await list('helpdesk@acme.test')).status).toBe(200)
    await expect(list('anna@acme.test')).rejects.toMatchObject(notAuthorized)
    const clients = vendorClients(sandbox.google.url, operator)
    const itself = clients.directory(clients.delegated(operator.googleKeyFile, undefined, SCOPES))
    await expect(itself.users.list({ customer: 'my_customer' })).rejects.toMatchObject(notAuthorized)
    sandbox.google.mutate('set-admin', { email: 'anna@acme.test' })
    expect((await list('anna@acme.test')).status).toBe(200)
    sandbox.google.mutate('set-admin', { email: 'anna@acme.test', admin: false })
    await expect(list('anna@acme.test')).rejects.toMatchObject(notAuthorized)
  })

  it('wants the scope of each list', async () => {
    const insufficient = refusal(403, 'Request had insufficient authentication scopes.', 'insufficientPermissions')
    const only = directory('admin@acme.test', [scope('user.readonly')])
    expect((await only.users.list({ customer: 'my_customer' })).status).toBe(200)
    const customer = 'my_customer'
    await expect(only.domains.list({ customer })).rejects.toMatchObject(insufficient)
    await expect(only.customers.get({ customerKey: customer })).rejects.toMatchObject(insufficient)
    await expect(only.resources.calendars.list({ customer })).rejects.toMatchObject(insufficient)
    await expect(only.resources.buildings.list({ customer })).rejects.toMatchObject(insufficient)
  })

  it('lists domains with their aliases, the customer, and buildings', async () => {
    const { domains, customers, resources } = directory()
    expect((await domains.list({ customer: 'C01abc234' })).data.domains).toMatchObject([
      {
        domainName: 'acme.test',
        isPrimary: true,
        verified: true,
        domainAliases: [{ domainAliasName: 'acme-mail.test' }],
      },
      { domainName: 'acme.example', isPrimary: false, verified: true },
    ])
    expect((await customers.get({ customerKey: 'my_customer' })).data).toMatchObject({
      id: 'C01abc234',
      customerDomain: 'acme.test',
    })
    expect((await resources.buildings.list({ customer: 'my_customer' })).data.buildings).toMatchObject([
      { buildingId: 'berlin', buildingName: 'Berlin' },
    ])
  })

  it('lists rooms, by pages and by address, and gets one', async () => {
    const { calendars } = directory().resources
    const customer = 'my_customer'
    const first = (await calendars.list({ customer, maxResults: 1 })).data
    const second = (await calendars.list({ customer, maxResults: 1, pageToken: first.nextPageToken! })).data
    expect([...first.items!, ...second.items!]).toMatchObject([
      {
        resourceName: 'Lovelace',
        resourceCategory: 'CONFERENCE_ROOM',
        capacity: 12,
        buildingId: 'berlin',
        floorName: '2',
      },
      { resourceName: 'Hopper', resourceEmail: expect.stringMatching(/^c_.*@resource\.calendar\.google\.com$/) },
    ])
    expect(second.nextPageToken).toBeUndefined()
    const { resourceEmail, resourceId } = second.items![0]!
    const found = (await calendars.list({ customer, query: `resourceEmail="${resourceEmail}"` })).data.items
    expect(found?.map(({ resourceName }) => resourceName)).toEqual(['Hopper'])
    const room = (await calendars.get({ customer, calendarResourceId: resourceId! })).data
    expect(room.generatedResourceName).toBe('berlin-3-Hopper (4)')
    await expect(calendars.get({ customer, calendarResourceId: 'none' })).rejects.toMatchObject({ status: 404 })
  })

  it('shows a renamed person under the new name, with the old one as alias, and a deleted one only when asked', async () => {
    const { users } = directory()
    sandbox.google.mutate('rename-user', { email: 'anna@acme.test', to: 'anna.berg@acme.example' })
    const { data } = await users.get({ userKey: 'anna@acme.test' })
    expect(data).toMatchObject({
      primaryEmail: 'anna.berg@acme.example',
      aliases: ['anna.arnold@acme.test', 'anna@acme.test'],
    })
    expect(() => sandbox.google.mutate('rename-user', { email: 'ben@acme.test', to: 'ben@globex.test' })).toThrow(
      /not a domain/,
    )
    expect(() => sandbox.google.mutate('rename-user', { email: 'ben@acme.test', to: 'anna@acme.test' })).toThrow(
      /is taken/,
    )
    sandbox.google.mutate('delete-user', { email: 'ben@acme.test' })
    await expect(users.get({ userKey: 'ben@acme.test' })).rejects.toMatchObject({ status: 404 })
    const deleted = (await users.list({ customer: 'my_customer', showDeleted: 'true' })).data.users
    expect(deleted).toMatchObject([{ primaryEmail: 'ben@acme.test', deletionTime: expect.any(String) }])
  })
})
