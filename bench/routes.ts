import { MikroORM } from '@mikro-orm/postgresql'
import { CALLBACK_URL, fillServiceAccount } from '#domain/grants/testing/fill-service-account.js'
import { Database } from '#platform/database/database.js'
import { ormOptions } from '#platform/database/migrate.js'
import { Secret } from '#platform/secrets/secret.js'
import { startChild } from './child.js'
import type { RoutesOrder, RoutesReady } from './floor-routes.js'
import type { Ground } from './ground.js'
import { type Call, load } from './load.js'
import { startMandate } from './mandate.js'
import { PEER, type PeerOrder, type PeerReady } from './peer-oidc.js'
import { type Contender, compare, ofCalls, type Result, type Scenario } from './scenario.js'

/** So many that the sixteen connections, which are opened anew for each round, are far less than the slowest hundredth. */
const ROUND = 3_000
const BATCHES = 100
const BATCH = 50
const ROUNDS_AT_MOST = 9

/** What one contender is sent in one round. */
interface Side {
  url: string
  /** @param from number of the first token that no round has used yet */
  calls(from: number): Call[]
}

const numbers = (from: number, many = ROUND) => Array.from({ length: many }, (_, n) => from + n)
const json = { 'content-type': 'application/json' }
const form = { 'content-type': 'application/x-www-form-urlencoded' }
const basic = (id: string, secret: string) => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`

/**
 * The routes that clients call most, each against a bare Fastify route with one statement of the same kind, and against
 * `oidc-provider` over PostgreSQL where that has one too.
 */
export const routes: Scenario = {
  name: 'routes',
  about:
    'accept, exchange, refresh, introspect, userinfo; floor: a bare Fastify route with one statement; peer: oidc-provider',
  async run(ground, asked, say) {
    const rounds = Math.min(asked, ROUNDS_AT_MOST)
    const databaseUrl = await ground.createDatabase('routes')
    await using mandate = await startMandate(ground, { databaseUrl, redisUrl: ground.redisUrl })
    const tokens = ROUND * (rounds + 1)
    await fill(databaseUrl, { ...mandate.client, tokens })
    await using floor = await startChild<RoutesOrder, RoutesReady>('floor-routes.js', { databaseUrl })
    const peerDatabase = await ground.createDatabase('peer')
    await using peer = await startChild<PeerOrder, PeerReady>('peer-oidc.js', { databaseUrl: peerDatabase, tokens })
    const contests = contestsOf(ground, mandate, floor.ready.url, peer.ready)
    const results: Result[] = []
    for (const { name, unit, pieces, floor, ours, peer } of contests) {
      const contest = { name, unit, rounds, pieces, directory: ground.directory, say }
      const contender = async (side: Side): Promise<Contender> => {
        let used = 0
        const next = async () => {
          const calls = side.calls(used)
          used += calls.length
          const { rate, p99 } = await load(side.url, calls)
          return { figure: (rate * pieces) / calls.length, p99 }
        }
        await next()
        return ofCalls(next)
      }
      const contenders = {
        floor: await contender(floor),
        ours: await contender(ours),
        ...(peer && { peer: await contender(peer) }),
      }
      results.push(await compare(contest, contenders))
    }
    return results
  },
}

async function fill(databaseUrl: string, { id, tokens }: { id: string; tokens: number }): Promise<void> {
  const url = new Secret(databaseUrl)
  await using orm = await MikroORM.init({ ...ormOptions(url), entities: [], discovery: { warnWhenNoEntities: false } })
  const database = new Database(orm, null)
  for (const side of ['ser_ours', 'ser_floor'])
    await fillServiceAccount(database, { id: side, clientId: id, mailboxes: tokens, now: new Date() })
}

function contestsOf(
  { receiverUrl }: Ground,
  { url, client, serviceAccount }: Awaited<ReturnType<typeof startMandate>>,
  floorUrl: string,
  peer: PeerReady,
): { name: string; unit: string; pieces: number; floor: Side; ours: Side; peer?: Side }[] {
  const credentials = { client_id: client.id, client_secret: client.secret }
  const posts = (path: string, bodyOf: (n: number) => object) => (from: number) =>
    numbers(from).map((n): Call => ({ method: 'POST', path, headers: json, body: JSON.stringify(bodyOf(n)) }))
  const forms = (path: string, bodyOf: (n: number) => Record<string, string>) => (from: number) =>
    numbers(from).map((n): Call => {
      const headers = { ...form, authorization: basic(PEER.clientId, PEER.clientSecret) }
      return { method: 'POST', path, headers, body: new URLSearchParams(bodyOf(n)).toString() }
    })
  const reads = (path: string, tokenOf: (n: number) => string) => (from: number) =>
    numbers(from).map((n): Call => ({ path, headers: { authorization: `Bearer ${tokenOf(n)}` } }))
  const batches = (path: string, headers: Record<string, string>) => (from: number) =>
    numbers(from, BATCHES).map((batch): Call => {
      const service_account_authorizations = numbers(batch * BATCH, BATCH).map((n) => ({
        ...{
          email: `asked${n}@acme.test`,
          callback_url: `${receiverUrl}/callbacks`,
          scope: 'read_only',
          state: `${n}`,
        },
      }))
      return { method: 'POST', path, headers, body: JSON.stringify({ service_account_authorizations }) }
    })
  const floor = (calls: Side['calls']): Side => ({ url: floorUrl, calls })
  const ours = (calls: Side['calls']): Side => ({ url, calls })
  const theirs = (calls: Side['calls']): Side => ({ url: peer.url, calls })
  const bearer = { authorization: `Bearer ${serviceAccount.config.access_token}` }
  return [
    {
      ...{ name: 'accept', unit: 'requests/s', pieces: BATCHES * BATCH },
      floor: floor(batches('/accept', json)),
      ours: ours(batches('/v1/service_account_authorizations', { ...json, ...bearer })),
    },
    {
      ...{ name: 'exchange', unit: 'codes/s', pieces: ROUND },
      floor: floor(posts('/exchange', (n) => ({ code: `code-ser_floor-${n + 1}` }))),
      ours: ours(
        posts('/oauth/token', (n) => ({
          ...{ grant_type: 'authorization_code', code: `code-ser_ours-${n + 1}`, redirect_uri: CALLBACK_URL },
          ...credentials,
        })),
      ),
      peer: theirs(
        forms('/token', (n) => ({
          ...{ grant_type: 'authorization_code', code: peer.codes[n]!, redirect_uri: PEER.redirectUri },
        })),
      ),
    },
    {
      ...{ name: 'refresh', unit: 'tokens/s', pieces: ROUND },
      floor: floor(posts('/refresh', (n) => ({ refresh_token: `refresh-ser_floor-${n + 1}` }))),
      ours: ours(
        posts('/oauth/token', (n) => ({
          ...{ grant_type: 'refresh_token', refresh_token: `refresh-ser_ours-${n + 1}`, ...credentials },
        })),
      ),
      peer: theirs(forms('/token', (n) => ({ grant_type: 'refresh_token', refresh_token: peer.refreshTokens[n]! }))),
    },
    {
      ...{ name: 'introspect', unit: 'tokens/s', pieces: ROUND },
      floor: floor(posts('/introspect', (n) => ({ token: `access-ser_floor-${n + 1}` }))),
      ours: ours(posts('/oauth/introspect', (n) => ({ token: `access-ser_ours-${n + 1}`, ...credentials }))),
      peer: theirs(forms('/token/introspection', (n) => ({ token: peer.accessTokens[n]! }))),
    },
    {
      ...{ name: 'userinfo', unit: 'calls/s', pieces: ROUND },
      floor: floor(reads('/userinfo', (n) => `access-ser_floor-${n + 1}`)),
      ours: ours(reads('/v1/userinfo', (n) => `access-ser_ours-${n + 1}`)),
      peer: theirs(reads('/me', (n) => peer.accessTokens[n]!)),
    },
  ]
}
