import { days, hours } from '#platform/clock/clock.js'
import { Log } from '#platform/observability/log.js'
import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { HeldClock } from '#platform/testing/held-clock.js'
import { eventBody } from '../events/event-body.js'
import { ForgetFormerCredentials } from './forget-former-credentials.js'
import { WarnOfExpiry } from './warn-of-expiry.js'

describe('before a credential expires', () => {
  const db = databaseForTests([])
  const clock = new HeldClock()
  const inDays = (n: number) => new Date(clock.now().getTime() + days(n))
  const sql = <Row>(text: string, values: unknown[] = []) => db.database.read((em) => em.execute<Row[]>(text, values))
  const warn = () => new WarnOfExpiry(db.database, clock, new Log('silent')).warn()
  const said = async () =>
    (
      await sql<{ client_id: string; details: string }>(
        `select client_id, details from audit_arrivals where act = 'credential.expiring' order by id`,
      )
    ).map(({ client_id, details }) => [client_id, JSON.parse(details).days])
  const events = () =>
    sql<{ client_id: string; type: string; data: { days: number; organisation_name?: string } }>(
      'select client_id, type, data from client_events order by created_at, client_id',
    )

  beforeAll(() =>
    sql(
      `insert into clients (id, name, redirect_uris, callback_origins, sealed_signing_secret, event_url, created_at)
       values ('cli_1', 'x', '{}', '{}', '', 'https://client.test/events', now())`,
    ),
  )
  beforeEach(async () => {
    for (const table of ['client_events', 'audit_arrivals', 'service_accounts', 'provider_credentials'])
      await sql(`delete from ${table}`)
  })

  const account = (id: string, source: string, expiresAt: Date | null) =>
    sql(
      `insert into service_accounts (id, client_id, provider, organisation_id, organisation_name, domains,
         administrator_email, credential_source, credential_version, credential_expires_at, scope, delegated_scope,
         created_at, updated_at)
       values (?, 'cli_1', 'microsoft', ?, 'Contoso', '{}', 'a@contoso.test', ?, 'v', ?::timestamptz, '{}', '{}', now(), now())`,
      [id, id, source, expiresAt],
    )
  const registration = (id: string, client: string | null, expiresAt: Date) =>
    sql(
      `insert into provider_credentials (id, provider, client_id, sealed_credential, version, expires_at, updated_at)
       values (?, 'microsoft', ?, 'sealed', 'v', ?::timestamptz, now())`,
      [id, client, expiresAt],
    )

  it('its client is told 30, 14, 7 and 1 days before, each once, whoever looks and however often', async () => {
    const expiresAt = inDays(40)
    await account('ser_1', 'customer', expiresAt)
    await account('ser_2', 'operator', expiresAt)
    await account('ser_3', 'customer', null)
    const at: number[] = []
    for (let hour = 0; hour < 41 * 24; hour += 6) {
      const warned = await Promise.all([warn(), warn()])
      if (warned[0] + warned[1] > 0) at.push(Math.ceil((expiresAt.getTime() - clock.now().getTime()) / days(1)))
      expect(warned[0] + warned[1]).toBeLessThanOrEqual(1)
      clock.advance(hours(6))
    }
    expect(at).toEqual([30, 14, 7, 1])
    expect(await said()).toEqual([30, 14, 7, 1].map((left) => ['cli_1', left]))
    expect((await events()).map(({ type, data }) => [type, data.days, data.organisation_name])).toEqual(
      [30, 14, 7, 1].map((left) => ['credential.expiring', left, 'Contoso']),
    )
    const told = { type: 'credential.expiring', created_at: clock.now(), service_account_id: 'ser_1' }
    const body = JSON.parse(eventBody({ ...told, data: (await events())[0]!.data }))
    expect(body.data).toMatchObject({ service_account_id: 'ser_1', days: 30, expires_at: expiresAt.toISOString() })
  })

  it('is told late, once, when nobody looked before', async () => {
    await account('ser_1', 'customer', inDays(5))
    expect([await warn(), await warn()]).toEqual([1, 0])
    expect(await said()).toEqual([['cli_1', 7]])
  })

  it('and thirty days after it was replaced, the one before is forgotten', async () => {
    await account('ser_1', 'customer', null)
    await registration('prc_1', null, inDays(10))
    const replaced = [clock.now()]
    await sql(
      `update service_accounts set sealed_former_credential = 'x', former_credential_source = 'customer', former_replaced_at = ?`,
      replaced,
    )
    await sql(`update provider_credentials set sealed_former_credential = 'x', former_replaced_at = ?`, replaced)
    const forget = () => new ForgetFormerCredentials(db.database, clock, new Log('silent')).forget()
    clock.advance(days(30))
    expect(await forget()).toBe(0)
    clock.advance(1)
    expect(await forget()).toBe(2)
    expect(await forget()).toBe(0)
    const left = `select 1 from service_accounts where sealed_former_credential is not null
      or former_credential_source is not null or former_replaced_at is not null`
    expect(await sql(left)).toEqual([])
  })

  it('of the operator, the operator is told; a client only of the one that is set for it alone', async () => {
    await registration('prc_1', null, inDays(10))
    await registration('prc_2', 'cli_1', inDays(10))
    expect(await warn()).toBe(2)
    expect((await said()).sort()).toEqual([
      ['cli_1', 14],
      ['operator', 14],
    ])
    expect(await events()).toMatchObject([{ client_id: 'cli_1', data: { days: 14 } }])
  })
})
