import { hours, seconds } from '#platform/clock/clock.js'
import { ValidationError } from '#platform/errors/validation-error.js'
import { CryptoRandom } from '#platform/secrets/random.js'
import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { HeldClock } from '#platform/testing/held-clock.js'
import { sealerForTests } from '#platform/testing/sealer-for-tests.js'
import { until } from '#platform/testing/until.js'
import { AuthenticateClient } from './authenticate-client.js'
import { Client, ClientSecret } from './client.entity.js'
import { Clients } from './clients.js'
import { SignCallback } from './sign-callback.js'

const acme = {
  name: 'Acme Scheduler',
  redirectUris: ['https://app.acme.test/connected'],
  callbackOrigins: ['https://app.acme.test'],
}

describe('clients', () => {
  const db = databaseForTests([Client, ClientSecret])
  const clock = new HeldClock()
  const sealer = sealerForTests()
  const clients = new Clients(clock, new CryptoRandom(), sealer)
  const authentication = new AuthenticateClient(clock)

  const sql = (text: string, values?: unknown[]) => db.database.read((em) => em.execute(text, values))
  const register = async () => {
    const { client, secret } = await db.database.inTransaction(async (tx) => clients.register(tx, acme))
    return { id: client.id, secret: secret.reveal() }
  }
  const rotate = (id: string) => db.database.inTransaction((tx) => clients.rotateSecret(tx, id))
  const authenticate = async (id: string, secret: string) =>
    (await authentication.authenticate(db.database.lookUp, id, secret))?.id ?? null
  // A new one each time: the keys are kept for some seconds.
  const hmacSecretsOf = async (id: string) =>
    (await new SignCallback(clock, sealer).keysOf(db.database, id)).hmacSecrets.map((secret) => secret.reveal())

  const somebodyWaits = async () => {
    const waiting = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
    return (await sql(waiting)).length > 0
  }

  it('lets a client in with the secret it was given', async () => {
    const { id, secret } = await register()

    expect(await authenticate(id, secret)).toBe(id)
  })

  it('gives the same answer for an unknown client, a disabled one and a wrong secret', async () => {
    const { id, secret } = await register()
    const disabled = await register()
    await db.database.inTransaction((tx) => clients.disable(tx, disabled.id))

    expect(await authenticate('cli_unknown', secret)).toBeNull()
    expect(await authenticate(disabled.id, disabled.secret)).toBeNull()
    expect(await authenticate(id, `${secret}x`)).toBeNull()
    expect(await authenticate(id, '')).toBeNull()
  })

  it("does not let a client in with another client's secret", async () => {
    const [one, other] = [await register(), await register()]

    expect(await authenticate(one.id, other.secret)).toBeNull()
  })

  it('keeps neither secret in clear', async () => {
    const { client, secret, signingSecret } = await db.database.inTransaction(async (tx) => clients.register(tx, acme))

    const rows = await sql(
      `select c.*, s.* from clients c join client_secrets s on s.client_id = c.id where c.id = ?`,
      [client.id],
    )
    expect(rows).toHaveLength(1)
    expect(JSON.stringify(rows)).not.toContain(secret.reveal())
    expect(JSON.stringify(rows)).not.toContain(signingSecret.reveal().slice('whsec_'.length))
  })

  it('keeps the older secret alive for 24 hours after a rotation, to the second', async () => {
    const { id, secret: older } = await register()
    const { secret, previousExpiresAt } = await rotate(id)
    const newer = secret.reveal()

    expect(previousExpiresAt.getTime() - clock.now().getTime()).toBe(hours(24))
    clock.advance(hours(24) - seconds(1))
    expect(await authenticate(id, older)).toBe(id)
    expect(await authenticate(id, newer)).toBe(id)
    clock.advance(seconds(1))
    expect(await authenticate(id, older)).toBeNull()
    expect(await authenticate(id, newer)).toBe(id)
  })

  it('signs callbacks with every live secret, the newest first', async () => {
    const { id, secret: older } = await register()
    clock.advance(seconds(1))
    const newer = (await rotate(id)).secret.reveal()

    expect(await hmacSecretsOf(id)).toEqual([newer, older])
    clock.advance(hours(24))
    expect(await hmacSecretsOf(id)).toEqual([newer])
  })

  it('refuses a further rotation while two secrets are live, and allows it afterwards', async () => {
    const { id } = await register()
    await rotate(id)

    await expect(rotate(id)).rejects.toMatchObject({ code: 'conflict', status: 409 })
    clock.advance(hours(24))
    await rotate(id)
    expect(await hmacSecretsOf(id)).toHaveLength(2)
  })

  it('lets one of two rotations at once win', async () => {
    const { id } = await register()
    let second = Promise.resolve('not begun')

    await db.database.inTransaction(async (tx) => {
      await clients.rotateSecret(tx, id)
      await tx.flush()
      let ended = false
      second = rotate(id).then(
        () => 'rotated',
        ({ code }) => code,
      )
      second.finally(() => {
        ended = true
      })
      await until('the second rotation to wait for the first', async () => ended || (await somebodyWaits()))
    })

    expect(await second).toBe('conflict')
    expect(await hmacSecretsOf(id)).toHaveLength(2)
  })

  it('keeps the time at which a client was first disabled', async () => {
    const { id } = await register()
    const first = await db.database.inTransaction((tx) => clients.disable(tx, id))
    clock.advance(hours(1))
    const second = await db.database.inTransaction((tx) => clients.disable(tx, id))

    expect(second.disabledAt).toEqual(first.disabledAt)
  })

  it('names every field that cannot be used, and writes nothing', async () => {
    const before = await db.database.read((em) => em.count(Client))
    const unusable = {
      name: ' ',
      redirectUris: [acme.redirectUris[0]!, 'http://app.acme.test/'],
      callbackOrigins: ['https://app.acme.test/path'],
    }

    const refusal = await db.database
      .inTransaction(async (tx) => clients.register(tx, unusable))
      .catch((error) => error)

    expect(refusal).toBeInstanceOf(ValidationError)
    expect(Object.keys((refusal as ValidationError).problems)).toEqual([
      'name',
      'redirect_uris[1]',
      'callback_origins[0]',
    ])
    expect(await db.database.read((em) => em.count(Client))).toBe(before)
  })

  it('lists clients page by page, each once', async () => {
    const registered = [await register(), await register(), await register()].map(({ id }) => id)
    const seen: string[] = []
    for (let after: string | undefined; ; after = seen.at(-1)) {
      const page = await db.database.read((em) => clients.list(em, { after, limit: 2 }))
      seen.push(...page.map(({ id }) => id))
      if (page.length < 2) break
    }

    expect(new Set(seen).size).toBe(seen.length)
    expect(seen).toEqual(expect.arrayContaining(registered))
  })
})
