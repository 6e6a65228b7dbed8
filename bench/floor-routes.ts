import { createHash, randomBytes } from 'node:crypto'
import Fastify, { type FastifyRequest } from 'fastify'
import pg from 'pg'
import { onOrder } from './child.js'

/**
 * The floor of the routes: Fastify, one SQL statement each, on our own tables of tokens, and nothing around it. Nobody is
 * authenticated, nothing is put on record, every answer is what the statement said.
 */
export interface RoutesOrder {
  databaseUrl: string
}
export interface RoutesReady {
  url: string
}

const ASKED = `create table floor_asked (id text primary key, email text not null, callback_url text not null,
  scope text[] not null, state text, decision text not null, created_at timestamptz not null)`
const ACCEPT = `insert into floor_asked
  select 'dar_' || gen_random_uuid(), email, callback_url, array[scope], state, 'pending', now()
  from jsonb_to_recordset($1::jsonb) as asked (email text, callback_url text, scope text, state text)
  returning id, email, state`

const NEW_TOKENS = `access as (
    insert into access_tokens (token_hash, grant_id, created_at, expires_at)
    select $2, grant_id, now(), now() + interval '1 hour' from used
  )
  insert into refresh_tokens (token_hash, grant_id, generation, created_at) select $3, grant_id, generation, now() from used
  returning grant_id`
const EXCHANGE = `with used as (
    update codes set redeemed_at = now() where code_hash = $1 and redeemed_at is null and expires_at > now()
    returning grant_id, 0 as generation
  ), ${NEW_TOKENS}`
const REFRESH = `with used as (
    update refresh_tokens set used_at = now() where token_hash = $1 and used_at is null
    returning grant_id, generation + 1 as generation
  ), ${NEW_TOKENS}`
const FIND = `select g.*, t.expires_at from access_tokens t join grants g on g.id = t.grant_id
  where t.token_hash = $1 and t.expires_at > now() and g.revoked_at is null`

const hashOf = (token: string) => createHash('sha256').update(token).digest('base64url')
const newToken = () => randomBytes(24).toString('base64url')

onOrder(async ({ databaseUrl }: RoutesOrder): Promise<RoutesReady> => {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 20 })
  await pool.query(ASKED)
  const http = Fastify()
  const ask = async (name: string, text: string, values: unknown[]) => {
    const { rows } = await pool.query({ name, text, values })
    if (rows.length === 0) throw new Error(`${name} found nothing`)
    return rows
  }
  const tokens = (name: string, text: string) => async (request: FastifyRequest) => {
    const [accessToken, refreshToken] = [newToken(), newToken()]
    const { code, refresh_token: refresh } = request.body as { code?: string; refresh_token?: string }
    await ask(name, text, [hashOf(code ?? refresh ?? ''), hashOf(accessToken), hashOf(refreshToken)])
    return { token_type: 'bearer', access_token: accessToken, refresh_token: refreshToken, expires_in: 3600 }
  }
  http.post('/accept', async (request, reply) => {
    const { service_account_authorizations: asked } = request.body as { service_account_authorizations: object[] }
    return reply.code(202).send(await ask('accept', ACCEPT, [JSON.stringify(asked)]))
  })
  http.post('/exchange', tokens('exchange', EXCHANGE))
  http.post('/refresh', tokens('refresh', REFRESH))
  http.post('/introspect', async (request) => {
    const [grant] = await ask('introspect', FIND, [hashOf((request.body as { token: string }).token)])
    return { active: true, client_id: grant.client_id, scope: grant.scope.join(' '), sub: grant.account_id }
  })
  http.get('/userinfo', async ({ headers: { authorization = '' } }) => {
    const [grant] = await ask('userinfo', FIND, [hashOf(authorization.replace('Bearer ', ''))])
    return { sub: grant.account_id }
  })
  return { url: await http.listen({ port: 0, host: '127.0.0.1' }) }
})
