import type { IncomingMessage, ServerResponse } from 'node:http'
import { exportJWK, exportSPKI, generateKeyPair, type JWK, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'
import { hours, seconds } from '#platform/clock/clock.js'
import { EgressClient } from '#platform/egress/egress-client.js'
import { EgressPolicy, LOOPBACK_RULES } from '#platform/egress/egress-policy.js'
import { type Receiver, startReceiver } from '#platform/egress/testing/receiver.js'
import { Log } from '#platform/observability/log.js'
import { CryptoRandom } from '#platform/secrets/random.js'
import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { HeldClock } from '#platform/testing/held-clock.js'
import { sealerForTests } from '#platform/testing/sealer-for-tests.js'
import { Client, ClientSecret, UserTokenSecret } from './client.entity.js'
import { Clients } from './clients.js'
import { COOLDOWN, FRESH_FOR, KEPT_FOR, PublishedKeySets } from './published-key-sets.js'
import { type GivenKeys, UserTokenKeys } from './user-token-keys.js'
import { VerifyUserToken } from './verify-user-token.js'

const ORIGIN = 'https://mandate.test'
const PUBLIC_URL = new URL(ORIGIN)

interface Pair {
  kid: string
  alg: string
  privateKey: CryptoKey
  publicJwk: JWK
}

async function newPair(alg: string, kid: string): Promise<Pair> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  return { kid, alg, privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid } }
}

describe('a user token', () => {
  const db = databaseForTests([Client, ClientSecret, UserTokenSecret])
  const clock = new HeldClock()
  const sealer = sealerForTests()
  const clients = new Clients(clock, new CryptoRandom(), sealer)
  const keys = new UserTokenKeys(clock, new CryptoRandom(), sealer, clients)
  const logged: string[] = []
  const log = new Log('info', (line) => logged.push(line))
  const policy = new EgressPolicy({ allow: LOOPBACK_RULES })
  const egress = new EgressClient(policy)

  /** One process: each keeps key sets of its own. */
  const newProcess = (allowed = policy) => {
    const published = new PublishedKeySets(allowed === policy ? egress : new EgressClient(allowed), allowed, clock, log)
    return new VerifyUserToken(db.database, clock, clients, keys, published, { publicUrl: PUBLIC_URL })
  }
  let verifier: VerifyUserToken

  let publisher: Receiver
  let publish: (request: IncomingMessage, response: ServerResponse) => void
  const publishKeys = (...pairs: Pair[]) => {
    publish = (_request, response) => response.end(JSON.stringify({ keys: pairs.map(({ publicJwk }) => publicJwk) }))
  }
  const jwksUri = () => `http://127.0.0.1:${publisher.port}/jwks.json`

  let rs256: Pair
  let es256: Pair
  beforeAll(async () => {
    publisher = await startReceiver((request, response) => publish(request, response))
    ;[rs256, es256] = [await newPair('RS256', 'rsa-1'), await newPair('ES256', 'ec-1')]
  })
  beforeEach(() => {
    verifier = newProcess()
    publisher.requests.length = 0
    logged.length = 0
  })
  afterAll(async () => {
    await publisher.close()
    await egress.close()
  })

  const register = async (): Promise<string> => {
    const wanted = { name: 'Acme', redirectUris: [], callbackOrigins: [] }
    return (await db.database.inTransaction((tx) => clients.register(tx, wanted))).client.id
  }
  const rotate = async (clientId: string): Promise<string> =>
    (await db.database.inTransaction((tx) => keys.rotateSecret(tx, clientId))).secret.reveal()
  const setKeys = (clientId: string, given: GivenKeys) =>
    db.database.inTransaction((tx) => keys.setKeys(tx, clientId, given))
  const withSecret = async () => {
    const clientId = await register()
    return { clientId, secret: await rotate(clientId) }
  }
  const withKeys = async (...pairs: Pair[]) => {
    const clientId = await register()
    await setKeys(clientId, { jwks: { keys: pairs.map(({ publicJwk }) => publicJwk) } })
    return clientId
  }
  const publishing = async (...pairs: Pair[]) => {
    publishKeys(...pairs)
    const clientId = await register()
    // A URL of its own: sets are kept by URL.
    await setKeys(clientId, { jwksUri: `${jwksUri()}?${clientId}` })
    return clientId
  }

  const now = () => Math.floor(clock.now().getTime() / 1000)
  const claimsFor = (clientId: string, more: JWTPayload = {}): JWTPayload => ({
    ...{ iss: clientId, aud: ORIGIN, sub: 'user-7', iat: now(), exp: now() + 300 },
    ...more,
  })
  const byteKey = (secret: string) => new TextEncoder().encode(secret)
  const hs256 = (secret: string, claims: JWTPayload) =>
    new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(byteKey(secret))
  const signed = ({ alg, kid, privateKey }: Pair, claims: JWTPayload, header: object = { kid }) =>
    new SignJWT(claims).setProtectedHeader({ alg, ...header }).sign(privateKey)
  const refusal = (token: string | Promise<string>, by = verifier) =>
    Promise.resolve(token)
      .then((text) => by.verify(text))
      .then(
        (user) => ({ code: 'none', user }),
        (error) => error,
      )
  const invalid = (sentence: RegExp | string) =>
    expect.objectContaining({ code: 'invalid_token', status: 401, publicText: expect.stringMatching(sentence) })

  it('says whose user it is, by the client’s secret', async () => {
    const { clientId, secret } = await withSecret()
    expect(await verifier.verify(await hs256(secret, claimsFor(clientId)))).toEqual({ clientId, userId: 'user-7' })
  })

  it.each(['RS256', 'PS256', 'ES256'])('says whose user it is, by a key of the client’s: %s', async (alg) => {
    const pair = alg === 'ES256' ? es256 : await newPair(alg, 'k')
    const clientId = await withKeys(pair)
    expect(await verifier.verify(await signed(pair, claimsFor(clientId)))).toEqual({ clientId, userId: 'user-7' })
    const published = await publishing(pair)
    expect(await verifier.verify(await signed(pair, claimsFor(published)))).toEqual({
      clientId: published,
      userId: 'user-7',
    })
  })

  it('takes the audience as the origin, with or without its slash, alone or among others', async () => {
    const { clientId, secret } = await withSecret()
    for (const aud of [ORIGIN, `${ORIGIN}/`, ['https://elsewhere.test', ORIGIN]])
      expect(await verifier.verify(await hs256(secret, claimsFor(clientId, { aud })))).toMatchObject({ clientId })
  })

  it.each<[what: string, more: () => JWTPayload, sentence: RegExp]>([
    ['for another audience', () => ({ aud: 'https://elsewhere.test' }), /"aud".*must be https:\/\/mandate\.test/],
    ['for nobody', () => ({ aud: undefined }), /"aud"/],
    ['without a user', () => ({ sub: undefined }), /"sub"/],
    ['with an empty user', () => ({ sub: '' }), /"sub"/],
    ['with a user that is no text', () => ({ sub: 7 as unknown as string }), /"sub"/],
    ['with a user that PostgreSQL cannot hold', () => ({ sub: 'a\0b' }), /"sub"/],
    ['with a user that a terminal would obey', () => ({ sub: 'a\u001b[2J' }), /"sub".*control characters/],
    ['with half a character', () => ({ sub: 'a\ud800' }), /"sub"/],
    ['with a user that is a novel', () => ({ sub: 'x'.repeat(256) }), /"sub"/],
    ['that has expired', () => ({ iat: now() - 600, exp: now() - 61 }), /expired/],
    ['that lives longer than an hour', () => ({ exp: now() + 3_601 }), /one hour/],
    ['that never ends', () => ({ exp: undefined }), /exp/],
    ['that does not say when it was made', () => ({ iat: undefined }), /iat/],
    ['that was made in the future', () => ({ iat: now() + 61, exp: now() + 300 }), /future/],
    ['that is not good yet', () => ({ nbf: now() + 61 }), /nbf/],
    ['with times that are text', () => ({ iat: 'now' as unknown as number }), /seconds since 1970/],
    ['of another issuer', () => ({ iss: 'https://accounts.example.com' }), /"iss"/],
    ['of nobody', () => ({ iss: undefined }), /"iss"/],
  ])('%s is refused with the reason', async (_what, more, sentence) => {
    const { clientId, secret } = await withSecret()
    expect(await refusal(hs256(secret, claimsFor(clientId, more())))).toEqual(invalid(sentence))
  })

  it('may be off by a minute, because clocks differ', async () => {
    const { clientId, secret } = await withSecret()
    for (const more of [{ iat: now() + 59 }, { iat: now() - 300, exp: now() - 59 }, { nbf: now() + 59 }])
      expect(await verifier.verify(await hs256(secret, claimsFor(clientId, more)))).toMatchObject({ clientId })
  })

  it.each(['', 'x', 'a.b', 'a.b.c', 'e30.e30.e30', `${'x'.repeat(4000)}.y.z`, 'bnVsbA.bnVsbA.x'])(
    'is not %j',
    async (text) => {
      expect(await refusal(text)).toEqual(invalid(/JWT|signed/))
    },
  )

  describe('cannot be made by somebody else:', () => {
    it('without a signature', async () => {
      const { clientId, secret } = await withSecret()
      expect(await refusal(new UnsecuredJWT(claimsFor(clientId)).encode())).toEqual(invalid(/must be signed/))
      const [head, body] = (await hs256(secret, claimsFor(clientId))).split('.')
      expect(await refusal(`${head}.${body}.`)).toEqual(invalid(/signature|JWT/))
    })

    it('with another secret, or another client’s', async () => {
      const { clientId } = await withSecret()
      const other = await withSecret()
      expect(await refusal(hs256('guessed-guessed-guessed-guessed-', claimsFor(clientId)))).toEqual(
        invalid(/signature/),
      )
      expect(await refusal(hs256(other.secret, claimsFor(clientId)))).toEqual(invalid(/signature/))
    })

    it('with another key under the right name', async () => {
      const clientId = await withKeys(rs256)
      const impostor = await newPair('RS256', rs256.kid)
      expect(await refusal(signed(impostor, claimsFor(clientId)))).toEqual(invalid(/signature/))
    })

    it('with the public key as if it were a secret, in any spelling', async () => {
      const clientId = await withKeys(rs256)
      await rotate(clientId)
      const { publicJwk } = rs256
      const spki = await exportSPKI(
        (await crypto.subtle.importKey(
          'jwk',
          publicJwk as JsonWebKey,
          { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
          true,
          ['verify'],
        )) as never,
      )
      for (const guess of [spki, JSON.stringify(publicJwk), publicJwk.n!])
        expect(await refusal(hs256(guess, claimsFor(clientId)))).toEqual(invalid(/signature/))
    })

    it('with a key that it brings along', async () => {
      const clientId = await withKeys(rs256)
      const impostor = await newPair('RS256', 'mine')
      for (const header of [
        { jwk: impostor.publicJwk },
        { jku: jwksUri() },
        { kid: rs256.kid, jwk: impostor.publicJwk },
      ])
        expect(await refusal(signed(impostor, claimsFor(clientId), header))).toEqual(invalid(/kid|signature/))
      expect(publisher.requests).toEqual([])
    })

    it('with an algorithm that the key is not for', async () => {
      const clientId = await withKeys(rs256, es256)
      const claims = claimsFor(clientId)
      const asRsa = new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: rs256.kid }).sign(es256.privateKey)
      expect(await refusal(asRsa)).toEqual(invalid(/kid/))
      const ps256Only = await newPair('PS256', 'ps')
      const fixed = await withKeys({ ...ps256Only, publicJwk: { ...ps256Only.publicJwk, alg: 'RS256' } })
      expect(await refusal(signed(ps256Only, claimsFor(fixed)))).toEqual(invalid(/kid and its alg/))
    })

    it('for a header that has to be understood and is not', async () => {
      const { clientId, secret } = await withSecret()
      const header = { alg: 'HS256', crit: ['x'], x: 1 }
      const token = new SignJWT(claimsFor(clientId))
        .setProtectedHeader(header)
        .sign(byteKey(secret), { crit: { x: true } })
      expect(await refusal(token)).toEqual(invalid(/JWT/))
    })

    it('for a client that has no secret, no keys, or is not there', async () => {
      const clientId = await register()
      expect(await refusal(hs256('x'.repeat(32), claimsFor(clientId)))).toEqual(invalid(/no user-token secret/))
      expect(await refusal(signed(rs256, claimsFor(clientId)))).toEqual(invalid(/no JWKS/))
      expect(await refusal(signed(rs256, claimsFor('cli_nobody')))).toEqual(invalid(/"iss"/))
    })
  })

  it('is refused once its client is disabled, and the next one too', async () => {
    const { clientId, secret } = await withSecret()
    const token = await hs256(secret, claimsFor(clientId))
    await verifier.verify(token)
    await db.database.inTransaction((tx) => clients.disable(tx, clientId))
    expect(await refusal(token)).toEqual(invalid(/active/))
  })

  describe('by a secret', () => {
    it('of two live ones: the older one ends after a day, to the second', async () => {
      const { clientId, secret: older } = await withSecret()
      const newer = await rotate(clientId)
      clock.advance(hours(24) - seconds(1))
      for (const secret of [older, newer])
        expect(await verifier.verify(await hs256(secret, claimsFor(clientId)))).toMatchObject({ clientId })
      clock.advance(seconds(1))
      expect(await refusal(hs256(older, claimsFor(clientId)))).toEqual(invalid(/signature/))
      expect(await verifier.verify(await hs256(newer, claimsFor(clientId)))).toMatchObject({ clientId })
    })

    it('is refused the moment after all were ended', async () => {
      const { clientId, secret } = await withSecret()
      const newer = await rotate(clientId)
      expect(await db.database.inTransaction((tx) => keys.endSecrets(tx, clientId))).toBe(2)
      for (const ended of [secret, newer])
        expect(await refusal(hs256(ended, claimsFor(clientId)))).toEqual(invalid(/no user-token secret/))
      expect(await db.database.inTransaction((tx) => keys.endSecrets(tx, clientId))).toBe(0)
      expect(await verifier.verify(await hs256(await rotate(clientId), claimsFor(clientId)))).toMatchObject({
        clientId,
      })
    })

    it('of which there are never three, and none in clear in the database', async () => {
      const { clientId, secret } = await withSecret()
      await rotate(clientId)
      await expect(rotate(clientId)).rejects.toMatchObject({ code: 'conflict', status: 409 })
      const rows = await db.database.read((em) =>
        em.execute('select * from user_token_secrets where client_id = ?', [clientId]),
      )
      expect(rows).toHaveLength(2)
      expect(JSON.stringify(rows)).not.toContain(secret)
    })
  })

  describe('by published keys', () => {
    it('costs one call to the client in ten minutes, however many come at once', async () => {
      const clientId = await publishing(rs256)
      const token = await signed(rs256, claimsFor(clientId))
      await Promise.all(Array.from({ length: 20 }, () => verifier.verify(token)))
      clock.advance(FRESH_FOR)
      await verifier.verify(await signed(rs256, claimsFor(clientId)))
      expect(publisher.requests).toHaveLength(1)
      expect(publisher.requests[0]).toMatchObject({
        method: 'GET',
        headers: { accept: expect.stringContaining('jwk-set') },
      })
      clock.advance(1)
      await verifier.verify(await signed(rs256, claimsFor(clientId)))
      expect(publisher.requests).toHaveLength(2)
    })

    it('is verified by a new key as soon as one names it, and no more by one that was withdrawn', async () => {
      const clientId = await publishing(rs256)
      await verifier.verify(await signed(rs256, claimsFor(clientId)))
      publishKeys(es256)
      clock.advance(COOLDOWN)
      expect(await verifier.verify(await signed(es256, claimsFor(clientId)))).toMatchObject({ clientId })
      expect(await refusal(signed(rs256, claimsFor(clientId)))).toEqual(invalid(/kid/))
    })

    it('makes one call in half a minute when it names keys that are not there', async () => {
      const clientId = await publishing(rs256)
      await verifier.verify(await signed(rs256, claimsFor(clientId)))
      clock.advance(COOLDOWN)
      for (let i = 0; i < 10; i++)
        expect(await refusal(signed({ ...rs256, kid: `made-up-${i}` }, claimsFor(clientId)))).toEqual(invalid(/kid/))
      expect(publisher.requests).toHaveLength(2)
    })

    it('is verified for an hour by what was fetched last while the client’s host is down, and then by nothing', async () => {
      const clientId = await publishing(rs256)
      await verifier.verify(await signed(rs256, claimsFor(clientId)))
      publish = (_request, response) => response.writeHead(503).end('private words')
      clock.advance(KEPT_FOR)
      expect(await verifier.verify(await signed(rs256, claimsFor(clientId)))).toMatchObject({ clientId })
      clock.advance(1)
      for (let i = 0; i < 5; i++)
        expect(await refusal(signed(rs256, claimsFor(clientId)))).toMatchObject({
          code: 'unavailable',
          status: 503,
          retryAfter: 30,
        })
      expect(publisher.requests).toHaveLength(2)
      expect(logged.join()).toContain('user_token.keys_not_fetched')
      expect(logged.join()).not.toContain('private words')
      publishKeys(rs256)
      clock.advance(COOLDOWN)
      expect(await verifier.verify(await signed(rs256, claimsFor(clientId)))).toMatchObject({ clientId })
    })

    it.each<[what: string, answer: (response: ServerResponse) => void]>([
      ['not JSON', (response) => response.end('<html>')],
      ['no key set', (response) => response.end('{"keys":"none"}')],
      ['a redirect', (response) => response.writeHead(302, { location: '/jwks.json' }).end()],
      ['endless', (response) => response.end(`{"keys":[${' '.repeat(70_000)}]}`)],
      ['cut off', (response) => response.writeHead(200, { 'content-length': '100' }).end('{"keys":[]}')],
    ])('is refused for the time being when what is published is %s', async (_what, answer) => {
      const clientId = await publishing(rs256)
      publish = (_request, response) => answer(response)
      expect(await refusal(signed(rs256, claimsFor(clientId)))).toMatchObject({ status: 503 })
    })

    it('leads no call into the operator’s network', async () => {
      const clientId = await publishing(rs256)
      const closed = newProcess(new EgressPolicy())
      expect(await refusal(signed(rs256, claimsFor(clientId)), closed)).toMatchObject({ status: 503 })
      expect(publisher.requests).toEqual([])
      expect(logged.join()).toContain('127.0.0.1')
    })

    it('is verified by the keys that replaced them, at once', async () => {
      const clientId = await publishing(rs256)
      await verifier.verify(await signed(rs256, claimsFor(clientId)))
      await setKeys(clientId, { jwks: { keys: [es256.publicJwk] } })
      expect(await refusal(signed(rs256, claimsFor(clientId)))).toEqual(invalid(/kid/))
      expect(await verifier.verify(await signed(es256, claimsFor(clientId)))).toMatchObject({ clientId })
      await setKeys(clientId, null)
      expect(await refusal(signed(es256, claimsFor(clientId)))).toEqual(invalid(/no JWKS/))
    })

    it.each([
      'ftp://keys.test/',
      'http://keys.test/',
      'https://user:x@keys.test/',
      'https://keys.test/#x',
      'keys.test',
    ])('are not at %s', async (uri) => {
      await expect(setKeys(await register(), { jwksUri: uri })).rejects.toMatchObject({ code: 'validation_failed' })
    })
  })

  it('that could be by several keys is told to name its own; where there is one key, it need not', async () => {
    const [one, other] = [await newPair('RS256', 'a'), await newPair('RS256', 'b')]
    const clientId = await withKeys(one, other)
    expect(await refusal(signed(one, claimsFor(clientId), {}))).toEqual(invalid(/name one by its kid/))
    expect(await verifier.verify(await signed(rs256, claimsFor(await withKeys(rs256)), {}))).toMatchObject({
      userId: 'user-7',
    })
  })
})
