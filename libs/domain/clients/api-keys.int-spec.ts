import { days, minutes, seconds } from '#platform/clock/clock.js'
import { CryptoRandom, hashOf } from '#platform/secrets/random.js'
import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { HeldClock } from '#platform/testing/held-clock.js'
import { sealerForTests } from '#platform/testing/sealer-for-tests.js'
import { ApiKey } from './api-key.entity.js'
import { allowsOperation, apiKeyScopeProblem } from './api-key-scopes.js'
import { ApiKeys, type NewApiKey } from './api-keys.js'
import { AuthenticateApiKey } from './authenticate-api-key.js'
import { Client, ClientSecret } from './client.entity.js'
import { Clients } from './clients.js'

const ALL = ['oauth-api:query:*', 'oauth-api:mutation:*']

describe('an API key', () => {
  const db = databaseForTests([Client, ClientSecret, ApiKey])
  const clock = new HeldClock()
  const random = new CryptoRandom()
  const clients = new Clients(clock, random, sealerForTests())
  const apiKeys = new ApiKeys(clock, random, clients)
  const authenticate = (key: string) => new AuthenticateApiKey(db.database, clock).authenticate(key)

  const register = async (): Promise<string> => {
    const wanted = { name: 'Acme', redirectUris: [], callbackOrigins: [] }
    return (await db.database.inTransaction((tx) => clients.register(tx, wanted))).client.id
  }
  const create = async (wanted: Partial<NewApiKey> = {}) => {
    const clientId = wanted.clientId ?? (await register())
    const created = await db.database.inTransaction((tx) =>
      apiKeys.create(tx, { scopes: ALL, expiresAt: null, ...wanted, clientId }),
    )
    return { clientId, id: created.apiKey.id, key: created.key.reveal() }
  }
  const revoke = (id: string) => db.database.inTransaction((tx) => apiKeys.revoke(tx, id))
  const stored = (id: string) => db.database.read((em) => em.findOneOrFail(ApiKey, { id }))

  it('says whose it is and what it may call', async () => {
    const { clientId, id, key } = await create()
    expect(key).toMatch(/^mandate_[\w-]{43}$/)
    expect(await authenticate(key)).toEqual({ id, clientId, scopes: ALL })
    for (const wrong of ['', id, `${key}x`, key.slice(0, -1), hashOf(key)]) expect(await authenticate(wrong)).toBeNull()
  })

  it('is kept as a hash alone', async () => {
    const { id, key } = await create()
    const rows = await db.database.read((em) => em.execute('select * from api_keys where id = ?', [id]))
    expect(rows).toHaveLength(1)
    expect(JSON.stringify(rows)).not.toContain(key.slice('mandate_'.length))
  })

  it('ends when it was said to, to the second', async () => {
    const { key } = await create({ expiresAt: new Date(clock.now().getTime() + days(1)) })
    clock.advance(days(1) - seconds(1))
    expect(await authenticate(key)).not.toBeNull()
    clock.advance(seconds(1))
    expect(await authenticate(key)).toBeNull()
  })

  it('opens nothing once it is revoked, and keeps the time at which it first was', async () => {
    const { id, key } = await create()
    expect(await revoke(id)).toMatchObject({ first: true })
    const { revokedAt } = await stored(id)
    clock.advance(minutes(1))
    expect(await authenticate(key)).toBeNull()
    expect(await revoke(id)).toMatchObject({ first: false, apiKey: { revokedAt } })
    await expect(revoke('key_nobody')).rejects.toMatchObject({ code: 'not_found' })
  })

  it('opens nothing once its client is disabled, which gets no further one', async () => {
    const { clientId, key } = await create()
    await db.database.inTransaction((tx) => clients.disable(tx, clientId))
    expect(await authenticate(key)).toBeNull()
    await expect(create({ clientId })).rejects.toMatchObject({ code: 'conflict' })
  })

  it('notes its last use, to the minute', async () => {
    const { id, key } = await create()
    expect((await stored(id)).lastUsedAt).toBeNull()
    const first = clock.now()
    await authenticate(key)
    clock.advance(minutes(1) - 1)
    await authenticate(key)
    expect((await stored(id)).lastUsedAt).toEqual(first)
    clock.advance(1)
    await authenticate(key)
    expect((await stored(id)).lastUsedAt).toEqual(clock.now())
  })

  it('is not made for nothing, for what there is not, or for the past', async () => {
    const refused = async (wanted: Partial<NewApiKey>) =>
      create(wanted).then(
        () => [],
        ({ problems }) => Object.keys(problems),
      )
    expect(await refused({ scopes: [] })).toEqual(['scopes'])
    expect(await refused({ scopes: ['oauth-api:query:*', 'oauth-api:query:authorisations'] })).toEqual(['scopes[1]'])
    expect(await refused({ expiresAt: clock.now() })).toEqual(['expires_at'])
    expect(await db.database.read((em) => em.count(ApiKey, { scope: [] }))).toBe(0)
  })

  it('is listed with those of its client, page by page, each once', async () => {
    const { clientId, id } = await create()
    const ids = [id, (await create({ clientId })).id, (await create({ clientId })).id].sort()
    await revoke(id)
    const seen: string[] = []
    for (let after: string | undefined; ; after = seen.at(-1)) {
      const page = await db.database.read((em) => apiKeys.list(em, { clientId, after, limit: 2 }))
      seen.push(...page.map((each) => each.id))
      if (page.length < 2) break
    }
    expect(seen).toEqual(ids)
  })
})

describe('the scopes of API keys', () => {
  it.each(['oauth-api:query:*', 'oauth-api:query:authorizations', 'oauth-api:mutation:revokeAuthorization'])(
    'may be %s',
    (scope) => {
      expect(apiKeyScopeProblem(scope)).toBeNull()
    },
  )

  it.each([
    '',
    '*',
    'oauth-api:*',
    'oauth-api:*:*',
    'oauth-api:query:',
    'oauth-api:query:auth*',
    'email-api:query:*',
    'oauth-api:subscription:*',
    'oauth-api:query:revokeAuthorization',
  ])('may not be %j', (scope) => {
    expect(apiKeyScopeProblem(scope)).toEqual(expect.stringMatching(/^(must be|names nothing)/))
  })

  it('allow what they name, or all of its kind, and nothing of the other', () => {
    expect(allowsOperation(['oauth-api:query:version'], 'query', 'version')).toBe(true)
    expect(allowsOperation(['oauth-api:query:version'], 'query', 'authorizations')).toBe(false)
    expect(allowsOperation(['oauth-api:query:*'], 'query', 'whatever comes')).toBe(true)
    expect(allowsOperation(['oauth-api:query:*'], 'mutation', 'revokeAuthorization')).toBe(false)
    expect(allowsOperation([], 'query', 'version')).toBe(false)
  })
})
