import pg from 'pg'
import { Webhook } from 'standardwebhooks'
import { permissionsOf, providerScopesFor } from '#domain/providers/delegated-scopes.js'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { until } from '#platform/testing/until.js'
import type { Delivery } from '../../apps/sandbox/receiver/delivery-log.js'
import type { Client, ServiceAccount } from './public-api.js'
import { type Queue, queuesOfThisMachine } from './queue-store.js'
import { Stage } from './stage.js'

const EVENTS = '/events'

describe.each<Queue>(queuesOfThisMachine())('a service account, the queue on %s,', (queue) => {
  const { url: databaseUrl } = testDatabase()
  let stage: Stage
  let database: pg.Pool
  let client: Client
  let acme: ServiceAccount
  let tokens: Record<'anna' | 'ben', string>

  beforeAll(async () => {
    stage = await Stage.open(databaseUrl, { queue })
    database = new pg.Pool({ connectionString: databaseUrl.reveal(), max: 1 })
    client = await stage.api.addClient('Scheduler')
    const json = { event_url: stage.receiver.url + EVENTS }
    expect(await stage.api.asAdmin('PUT', `/admin/v1/clients/${client.id}/event_url`, { json })).toMatchObject({
      status: 200,
      json: { client_id: client.id, ...json },
    })
    acme = await stage.api.authorise(client, 'acme')
  })
  afterAll(async () => {
    await database?.end()
    await stage?.close()
  })

  const clientId = () => stage.operator.googleKeyFile.client_id
  const events = () => stage.receiver.deliveries.list({ path: EVENTS })
  const bodyOf = ({ body }: Delivery) => JSON.parse(body.toString())
  const event = (type: string) =>
    until(`to be told of ${type}`, () => events().find((delivery) => bodyOf(delivery).type === type))
  const shown = async () => (await stage.api.asAdmin('GET', `/admin/v1/service-accounts/${acme.id}`)).json
  const tokenFor = async (name: string) => {
    await stage.ask(acme, { email: `${name}@acme.test`, state: name })
    const { code } = await stage.told(name)
    return (await stage.api.exchange(client, code ?? '', stage.callbackUrl)).json.access_token as string
  }
  const read = (token: string) =>
    stage.api.call('GET', '/v1/proxy/google/calendar/v3/calendars/primary/events', { token })
  /** What is waited for happens now: nothing else is said about the time. */
  const timePasses = () => database.query('update service_accounts set probe_at = now() where probe_at is not null')

  it('fails, says so, heals without a click, and gives what was asked for meanwhile', async () => {
    tokens = { anna: await tokenFor('anna'), ben: '' }
    stage.sandbox.google.mutate('remove-delegation', { clientId: clientId(), organisation: 'acme.test' })
    const [waiting] = await stage.ask(acme, { email: 'ben@acme.test', state: 'ben' })

    const failing = await event('service_account.failing')
    expect(bodyOf(failing).data).toMatchObject({
      ...{ service_account_id: acme.id, provider: 'google', organisation_name: 'acme.test', state: 'failing' },
      reason: { key: 'google.delegation_missing', fix: expect.stringContaining('Domain-wide delegation') },
    })
    const headers = failing.headers as Record<string, string>
    new Webhook(client.signingSecret).verify(failing.body.toString(), headers)
    expect(headers['cronofy-hmac-sha256']).toEqual(expect.any(String))
    expect(await shown()).toMatchObject({
      ...{ state: 'failing', state_since: bodyOf(failing).data.since && expect.any(String) },
      state_reason: { key: 'google.delegation_missing' },
      probed_next_at: expect.any(String),
    })
    const diagnosis = await stage.api.must('GET', '/v1/service_account/diagnosis', { token: acme.accessToken })
    expect(diagnosis).toMatchObject({ state: 'failing', state_reason: { key: 'google.delegation_missing' } })
    expect(await stage.show(acme, waiting!)).toMatchObject({ status: 'pending', held_since: expect.any(String) })

    const scopes = providerScopesFor('google', permissionsOf(['read_only']), ['person', 'room'])
    stage.sandbox.google.mutate('add-delegation', { clientId: clientId(), organisation: 'acme.test', scopes })
    await timePasses()
    expect(bodyOf(await event('service_account.active')).data).toMatchObject({ state: 'active', reason: null })
    const { code } = await stage.told('ben')
    tokens.ben = (await stage.api.exchange(client, code ?? '', stage.callbackUrl)).json.access_token
    expect((await read(tokens.ben)).status).toBe(200)
    expect(await shown()).toMatchObject({ state: 'active', state_reason: null, probed_next_at: null })
    expect((await read(tokens.anna)).status).toBe(200)
  })

  it('goes on when one person is suspended, whose grant ends at once, and no other', async () => {
    stage.sandbox.google.mutate('suspend-user', { email: 'ben@acme.test' })
    expect(await read(tokens.ben)).toMatchObject({ status: 403, json: { error: 'google.subject_suspended' } })
    expect((await read(tokens.ben)).status).toBe(401)
    expect((await read(tokens.anna)).status).toBe(200)
    expect(bodyOf(await event('grant.ended')).data).toMatchObject({
      ...{ service_account_id: acme.id, email: 'ben@acme.test', account_id: expect.stringMatching(/^acc_/) },
      reason: { key: 'google.subject_suspended' },
    })
    expect(await shown()).toMatchObject({ state: 'active' })
    const ended = await database.query('select count(*)::int as ended from grants where revoked_at is not null')
    expect(ended.rows).toEqual([{ ended: 1 }])
  })

  it('has no credential of its own to go back to, or to date, where it acts with the operator’s', async () => {
    const at = (id: string, what: string) => `/admin/v1/service-accounts/${id}/${what}`
    const date = (id: string, credential_expires_at: unknown) =>
      stage.api.asAdmin('PUT', at(id, 'credential_expiry'), { json: { credential_expires_at } })
    expect(await date(acme.id, '2999-01-31T00:00:00Z')).toMatchObject({ status: 409, json: { error: 'conflict' } })
    expect(await date('ser_none', null)).toMatchObject({ status: 404 })
    expect(await date(acme.id, 'Sunday')).toMatchObject({
      ...{
        status: 422,
        json: { errors: { credential_expires_at: [{ description: expect.stringContaining('2027-01-31') }] } },
      },
    })
    const rollBack = (id: string) => stage.api.asAdmin('POST', at(id, 'rollback_credential'))
    expect(await rollBack(acme.id)).toMatchObject({ status: 409 })
    expect(await rollBack('ser_none')).toMatchObject({ status: 404 })
    const back = (provider: string) => stage.api.asAdmin('POST', `/admin/v1/providers/${provider}/rollback`)
    expect(await back('google')).toMatchObject({ status: 409 })
    expect(await back('apple')).toMatchObject({ status: 422 })
  })

  it('ends as it was asked to, and everything that was told has an id of its own and is on record', async () => {
    await stage.api.revoke(client, { token: acme.accessToken })
    await event('service_account.revoked')
    const ids = events().map(({ headers }) => headers['webhook-id'])
    expect(new Set(ids).size).toBe(ids.length)
    const listed = await until('all to be delivered', async () => {
      const { json } = await stage.api.asAdmin('GET', `/admin/v1/events?client=${client.id}&delivery=delivered`)
      return json.events.length === 4 && json.events
    })
    expect(listed.map(({ type }: { type: string }) => type)).toEqual([
      'service_account.revoked',
      'grant.ended',
      'service_account.active',
      'service_account.failing',
    ])
    expect(listed.map(({ id }: { id: string }) => id).sort()).toEqual([...ids].sort())
  })
})
