import { MikroORM, PostgreSqlDriver } from '@mikro-orm/postgresql'
import { hours } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { ormOptions } from '#platform/database/migrate.js'
import { defineStatement } from '#platform/database/statement.js'
import { Secret } from '#platform/secrets/secret.js'
import { explain } from '#platform/testing/explain.js'
import { HeldClock } from '#platform/testing/held-clock.js'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { sealerForTests } from '#platform/testing/sealer-for-tests.js'
import { Consent } from './consent.entity.js'
import { Consents } from './consents.js'
import { EXPIRED_CONSENTS, SECRETS_OF_CONSENTS } from './retained-consents.js'

describe('the rows of the journey', () => {
  const server = testDatabase()
  const clock = new HeldClock()
  const consents = new Consents(clock, sealerForTests())
  let orm: MikroORM
  let database: Database
  let count = 0

  beforeAll(async () => {
    orm = await MikroORM.init({ ...ormOptions(server.url), driver: PostgreSqlDriver, entities: [Consent] })
    database = new Database(orm, null)
    await orm.em.fork().execute(
      `insert into clients (id, name, redirect_uris, callback_origins, sealed_signing_secret, created_at)
       values ('cli_1', 'Acme', '{}', '{}', '', now())`,
    )
  })
  afterAll(() => orm.close())

  const inHours = (n: number) => new Date(clock.now().getTime() + hours(n))
  const newConsent = async (step: Consent['step'] = 'choosing') => {
    const id = `con_${++count}`
    const expiresAt = inHours(1)
    await database.inTransaction((tx) =>
      tx.insert(Consent, {
        id,
        clientId: 'cli_1',
        redirectUri: 'https://a.test/',
        scope: ['service_account/accounts/manage'],
        delegatedScope: ['read_only'],
        cookieHash: 'hash',
        step,
        revision: 0,
        createdAt: clock.now(),
        expiresAt,
      }),
    )
    return read(id)
  }
  const read = (id: string) => database.read((em) => em.findOneOrFail(Consent, { id }))
  const sql = <Row = unknown>(text: string, ...values: unknown[]) =>
    database.run(defineStatement<Row>('', text), values)
  const move = (from: Consent, to: Consent['step'], changes = {}) =>
    database.inTransaction((tx) => consents.move(tx, from, to, changes))

  it('are moved by the first of many, and by nobody else from the same place', async () => {
    const consent = await newConsent()
    const won = await Promise.all(Array.from({ length: 10 }, () => move(consent, 'preparing', { provider: 'google' })))
    expect(won.filter(Boolean)).toHaveLength(1)
    expect(await read(consent.id)).toMatchObject({ step: 'preparing', revision: 1, provider: 'google' })
  })

  it('are not moved to where the journey does not lead', async () => {
    const consent = await newConsent('choosing')
    expect(await move(consent, 'allowed')).toBe(false)
    expect(await move(consent, 'deciding')).toBe(false)
    expect(await read(consent.id)).toMatchObject({ step: 'choosing', revision: 0 })
  })

  it('are not moved once they are over, or expired', async () => {
    expect(await move(await newConsent('denied'), 'preparing')).toBe(false)
    expect(await move(await newConsent('allowed'), 'denied')).toBe(false)
    const late = await newConsent()
    clock.advance(hours(1))
    expect(await move(late, 'preparing')).toBe(false)
  })

  it('keep what was found out as it was', async () => {
    const consent = await newConsent('checking')
    const organisation = { id: 'C1', name: "O'Hara \u2028 Ltd", domains: ['a.test'], administratorEmail: 'a@a.test' }
    await move(consent, 'deciding', { organisation, verifiedAt: clock.now() })
    const stored = await read(consent.id)
    expect(stored.organisation).toEqual(organisation)
    expect(stored.verifiedAt).toEqual(clock.now())
    expect(stored.delegatedScope).toEqual(['read_only'])
  })

  it('are found by small indexes when their time is over, however many there are', async () => {
    await sql(
      `insert into consents (id, client_id, redirect_uri, scope, delegated_scope, cookie_hash, step, revision, created_at, expires_at)
       select 'con_new_' || n, 'cli_1', 'https://a.test/' || repeat('x', 200), '{}', '{}', '', 'choosing', 0, $1, $2 from generate_series(1, 20000) n`,
      clock.now(),
      inHours(24),
    )
    await sql('analyze consents')
    for (const { statement } of [SECRETS_OF_CONSENTS, EXPIRED_CONSENTS]) {
      const { scans, blocks } = await explain(database, statement.text, [clock.now(), 500])
      expect(scans).toEqual([])
      expect(blocks).toBeLessThan(100)
    }
  })

  it('are on record from the first deed of an administrator on, once', async () => {
    const consent = await newConsent('checking')
    const record = (actor?: string) => database.inTransaction((tx) => consents.recordBegun(tx, consent, actor))
    await Promise.all([record('administrator:a@a.test'), record('administrator:a@a.test')])
    await record()
    expect(await sql('select act, actor, subject from audit_arrivals where subject = $1', consent.id)).toEqual([
      { act: 'consent.begun', actor: 'administrator:a@a.test', subject: consent.id },
    ])
  })

  it('hold secrets that open in their own row and column only', async () => {
    const [one, other] = [await newConsent(), await newConsent()]
    const sealed = await consents.seal(one, 'sealed_credential', new Secret('key'))
    expect((await consents.open(one, 'sealed_credential', sealed)).reveal()).toBe('key')
    await expect(consents.open(other, 'sealed_credential', sealed)).rejects.toThrow('altered')
    await expect(consents.open(one, 'sealed_sign_in', sealed)).rejects.toThrow('altered')
  })
})
