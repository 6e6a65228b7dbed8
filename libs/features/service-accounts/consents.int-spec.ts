import { MikroORM, PostgreSqlDriver } from '@mikro-orm/postgresql'
import { hours } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { ormOptions } from '#platform/database/migrate.js'
import { Secret } from '#platform/secrets/secret.js'
import { HeldClock } from '#platform/testing/held-clock.js'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { sealerForTests } from '#platform/testing/sealer-for-tests.js'
import { Consent } from './consent.entity.js'
import { Consents } from './consents.js'

describe('the rows of the journey', () => {
  const server = testDatabase()
  const clock = new HeldClock()
  const consents = new Consents(clock, sealerForTests())
  let orm: MikroORM
  let database: Database
  let count = 0

  beforeAll(async () => {
    orm = await MikroORM.init({ ...ormOptions(server.url), driver: PostgreSqlDriver, entities: [Consent] })
    database = new Database(orm)
    await orm.em.fork().execute(
      `insert into clients (id, name, redirect_uris, callback_origins, sealed_signing_secret, created_at)
       values ('cli_1', 'Acme', '{}', '{}', '', now())`,
    )
  })
  afterAll(() => orm.close())

  const newConsent = async (step: Consent['step'] = 'choosing') => {
    const id = `con_${++count}`
    const expiresAt = new Date(clock.now().getTime() + hours(1))
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

  it('hold secrets that open in their own row and column only', async () => {
    const [one, other] = [await newConsent(), await newConsent()]
    const sealed = await consents.seal(one, 'sealed_credential', new Secret('key'))
    expect((await consents.open(one, 'sealed_credential', sealed)).reveal()).toBe('key')
    await expect(consents.open(other, 'sealed_credential', sealed)).rejects.toThrow('altered')
    await expect(consents.open(one, 'sealed_sign_in', sealed)).rejects.toThrow('altered')
  })
})
