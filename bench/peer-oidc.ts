import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
// @ts-expect-error: the package ships no types
import { Provider } from 'oidc-provider'
import pg from 'pg'
import { onOrder } from './child.js'

/** The peer of the token routes: `oidc-provider` over PostgreSQL, with opaque tokens, as its adapter's contract asks. */
export interface PeerOrder {
  databaseUrl: string
  /** Of each kind, ready to be used. */
  tokens: number
}
export interface PeerReady {
  url: string
  codes: string[]
  refreshTokens: string[]
  accessTokens: string[]
}

export const PEER = { clientId: 'peer', clientSecret: 'p'.repeat(43), redirectUri: 'https://bench.test/connected' }
const SCOPE = 'openid offline_access'
const TABLE = `create table payloads (
  id text primary key, kind text not null, payload jsonb not null, grant_id text, user_code text, uid text,
  expires_at timestamptz, consumed_at timestamptz
)`

onOrder(async ({ databaseUrl, tokens }: PeerOrder): Promise<PeerReady> => {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 20 })
  await pool.query(TABLE)
  await pool.query('create index payloads_of_grant on payloads (grant_id) where grant_id is not null')
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const provider = new Provider(url, {
    adapter: adapterOn(pool),
    clients: [
      {
        client_id: PEER.clientId,
        client_secret: PEER.clientSecret,
        redirect_uris: [PEER.redirectUri],
        grant_types: ['authorization_code', 'refresh_token'],
        token_endpoint_auth_method: 'client_secret_basic',
      },
    ],
    features: { introspection: { enabled: true }, devInteractions: { enabled: false } },
    findAccount: async (_context: unknown, sub: string) => ({ accountId: sub, claims: async () => ({ sub }) }),
    jwks: { keys: [generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' })] },
    rotateRefreshToken: true,
    // A code without `openid`, below, gets no id_token: no signature that ours does not make either.
    ttl: { AuthorizationCode: 3600, AccessToken: 3600, RefreshToken: 86_400, Grant: 86_400 },
  })
  server.on('request', provider.callback())
  return { url, ...(await seed(provider, tokens)) }
})

async function seed(provider: typeof Provider.prototype, tokens: number): Promise<Omit<PeerReady, 'url'>> {
  const client = (await provider.Client.find(PEER.clientId))!
  const made: Omit<PeerReady, 'url'> = { codes: [], refreshTokens: [], accessTokens: [] }
  for (let number = 0; number < tokens; number++) {
    const accountId = `user${number}`
    const grant = new provider.Grant({ accountId, clientId: PEER.clientId })
    grant.addOIDCScope(SCOPE)
    const facts = { accountId, client, grantId: await grant.save(), gty: 'authorization_code', iat: now() }
    const offline = { ...facts, scope: 'offline_access' }
    made.codes.push(await new provider.AuthorizationCode({ ...offline, redirectUri: PEER.redirectUri }).save())
    made.refreshTokens.push(await new provider.RefreshToken({ ...offline, rotations: 0 }).save())
    made.accessTokens.push(await new provider.AccessToken({ ...facts, scope: SCOPE }).save())
  }
  return made
}

interface AdapterPayload {
  grantId?: string
  userCode?: string
  uid?: string
}

const now = () => Math.floor(Date.now() / 1000)

const adapterOn = (pool: pg.Pool) =>
  class {
    constructor(private readonly kind: string) {}

    async upsert(id: string, payload: AdapterPayload, expiresIn: number): Promise<void> {
      await this.#ask(
        'upsert',
        `insert into payloads (id, kind, payload, grant_id, user_code, uid, expires_at)
         values ($1, $2, $3, $4, $5, $6, now() + $7::float8 * interval '1 second')
         on conflict (id) do update set payload = excluded.payload, expires_at = excluded.expires_at`,
        [this.#keyOf(id), this.kind, payload, payload.grantId, payload.userCode, payload.uid, expiresIn ?? null],
      )
    }

    find = (id: string) => this.#find('find', 'id = $1', this.#keyOf(id))
    findByUserCode = (userCode: string) => this.#find('find-by-user-code', 'user_code = $1', userCode)
    findByUid = (uid: string) => this.#find('find-by-uid', 'uid = $1', uid)

    async destroy(id: string): Promise<void> {
      await this.#ask('destroy', 'delete from payloads where id = $1', [this.#keyOf(id)])
    }

    async consume(id: string): Promise<void> {
      await this.#ask('consume', 'update payloads set consumed_at = now() where id = $1', [this.#keyOf(id)])
    }

    async revokeByGrantId(grantId: string): Promise<void> {
      await this.#ask('revoke', 'delete from payloads where grant_id = $1', [grantId])
    }

    async #find(name: string, where: string, value: string): Promise<AdapterPayload | undefined> {
      const text = `select payload, consumed_at from payloads where ${where} and (expires_at is null or expires_at > now())`
      const [row] = await this.#ask(name, text, [value])
      return row && { ...row.payload, ...(row.consumed_at && { consumed: true }) }
    }

    async #ask(name: string, text: string, values: unknown[]) {
      return (await pool.query({ name, text, values })).rows
    }

    #keyOf = (id: string) => `${this.kind}:${id}`
  }
