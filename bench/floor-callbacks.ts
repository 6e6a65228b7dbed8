import { createPrivateKey, sign } from 'node:crypto'
import { createPostgresBackend, Queue, runMigrations, setDefaultBackendFactory, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import pg from 'pg'
import { Pool } from 'undici'
import { onOrder } from './child.js'

/**
 * The floor of the main path: what the same I/O costs with nothing around it. One job per mailbox; one RS256 signature;
 * one call to the token endpoint, which verifies it; one insert and one update; one callback; one update. A process of
 * its own, as a worker is: it takes an order, then runs a round for each number sent to it and answers with the
 * milliseconds that the round took.
 */
export interface FloorOrder {
  databaseUrl: string
  redisUrl: string | null
  googleUrl: string
  receiverUrl: string
  account: { email: string; privateKey: string }
  scope: string
}

const CONCURRENCY = 64
const ADD_AT_ONCE = 500
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

onOrder(async (order: FloorOrder): Promise<'ready'> => {
  const run = await prepare(order)
  process.on('message', async (mailboxes: number) => process.send?.(await run(mailboxes)))
  return 'ready'
})

async function prepare(order: FloorOrder): Promise<(mailboxes: number) => Promise<number>> {
  const database = new pg.Pool({ connectionString: order.databaseUrl, max: 20 })
  await database.query(
    'create table if not exists floor_requests (id text primary key, email text, status text, token text)',
  )
  const google = new Pool(order.googleUrl, { connections: CONCURRENCY })
  const receiver = new Pool(order.receiverUrl, { connections: CONCURRENCY })
  const key = createPrivateKey(order.account.privateKey)
  const connection = await openStore(order)
  const queue = new Queue('floor', { connection })

  const post = async (pool: Pool, path: string, contentType: string, body: string) => {
    const answer = await pool.request({ path, method: 'POST', headers: { 'content-type': contentType }, body })
    if (answer.statusCode !== 200) throw new Error(`${path} answered ${answer.statusCode}: ${await answer.body.text()}`)
    return answer.body
  }
  const mint = async (sub: string) => {
    const now = Math.floor(Date.now() / 1000)
    const times = { iat: now, exp: now + 3600 }
    const aud = 'https://oauth2.googleapis.com/token'
    const claims = { iss: order.account.email, sub, scope: order.scope, aud, ...times }
    const signed = `${encoded({ alg: 'RS256' })}.${encoded(claims)}`
    const assertion = `${signed}.${sign('RSA-SHA256', Buffer.from(signed), key).toString('base64url')}`
    const form = new URLSearchParams({ grant_type: JWT_BEARER, assertion }).toString()
    const body = await post(google, '/token', 'application/x-www-form-urlencoded', form)
    return ((await body.json()) as { access_token: string }).access_token
  }

  let left = 0
  let finish = () => {}
  const worker = new Worker(
    'floor',
    async ({ data: { id, email } }: { data: { id: string; email: string } }) => {
      const token = await mint(email)
      await database.query("insert into floor_requests (id, email, status) values ($1, $2, 'pending')", [id, email])
      await database.query("update floor_requests set status = 'granted', token = $2 where id = $1", [id, token])
      const callback = JSON.stringify({ authorization: { code: id, state: email } })
      await (await post(receiver, '/floor', 'application/json', callback)).dump()
      await database.query("update floor_requests set status = 'delivered' where id = $1", [id])
      left -= 1
      if (left === 0) finish()
    },
    { connection, concurrency: CONCURRENCY },
  )
  worker.on('failed', (_job, error) => process.stderr.write(`floor: ${error.message}\n`))

  return async (mailboxes) => {
    const finished = new Promise<void>((resolve) => {
      finish = resolve
    })
    left = mailboxes
    const round = `r${Date.now()}`
    const jobs = Array.from({ length: mailboxes }, (_, index) => {
      const data = { id: `${round}-${index}`, email: emailOf(index) }
      return { name: 'floor', data, opts: { removeOnComplete: true, removeOnFail: true } }
    })
    const begun = performance.now()
    for (let start = 0; start < jobs.length; start += ADD_AT_ONCE)
      await queue.addBulk(jobs.slice(start, start + ADD_AT_ONCE))
    await finished
    return performance.now() - begun
  }
}

async function openStore({ redisUrl, databaseUrl }: FloorOrder): Promise<Redis | pg.Pool> {
  if (redisUrl) return new Redis(redisUrl, { maxRetriesPerRequest: null })
  setDefaultBackendFactory(createPostgresBackend)
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    options: '-c search_path=bullmq',
    keepAlive: true,
    max: 20,
  })
  pool.on('error', () => {})
  const client = await pool.connect()
  await runMigrations(client)
  client.release()
  return pool
}

const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** As the stand-in makes them up. */
const emailOf = (index: number) => `user${String(index + 1).padStart(5, '0')}@acme.test`
