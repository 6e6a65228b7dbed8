import type { IncomingMessage, ServerResponse } from 'node:http'
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose'
import { EgressClient } from '#platform/egress/egress-client.js'
import { EgressPolicy, LOOPBACK_RULES } from '#platform/egress/egress-policy.js'
import { type Receiver, startReceiver } from '#platform/egress/testing/receiver.js'
import { Log } from '#platform/observability/log.js'
import { CryptoRandom } from '#platform/secrets/random.js'
import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { HeldClock } from '#platform/testing/held-clock.js'
import { sealerForTests } from '#platform/testing/sealer-for-tests.js'
import { Client, ClientSecret, UserTokenSecret } from '../client.entity.js'
import { Clients } from '../clients.js'
import { PublishedKeySets } from '../published-key-sets.js'
import { type GivenKeys, UserTokenKeys } from '../user-token-keys.js'
import { VerifyUserToken } from '../verify-user-token.js'

export const ORIGIN = 'https://mandate.test'
const PUBLIC_URL = new URL(ORIGIN)

export interface Pair {
  kid: string
  alg: string
  privateKey: CryptoKey
  publicJwk: JWK
}

export async function newPair(alg: string, kid: string): Promise<Pair> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  return { kid, alg, privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid } }
}

/** For a suite about user tokens: clients that sign them, and one of them that publishes its keys. */
export function userTokensForTests() {
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

  beforeAll(async () => {
    publisher = await startReceiver((request, response) => publish(request, response))
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
  return {
    ...{ db, clock, clients, keys, logged, newProcess, register, rotate, setKeys, withSecret },
    ...{ withKeys, publishing, publishKeys, now, claimsFor, byteKey, jwksUri, hs256, signed, refusal, invalid },
    /** The keys that the client publishes, answered by hand. */
    publish: (answer: typeof publish) => {
      publish = answer
    },
    get verifier() {
      return verifier
    },
    /** What the client was asked for its keys. */
    get asked() {
      return publisher.requests
    },
  }
}
