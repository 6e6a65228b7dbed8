import { createPostgresBackend, Queue, runMigrations, setDefaultBackendFactory, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import pg from 'pg'
import { Pool } from 'undici'
import { INITECH } from '../apps/sandbox/microsoft/default-seed.js'
import { onOrder } from './child.js'
import { atGoogle, atMicrosoft, type Calls, type FloorAt } from './floor-providers.js'

/**
 * The floor of the main path: what the same I/O costs with nothing around it. One job per mailbox; what it takes to act as
 * the mailbox; one insert and one update; one callback; one update. A process of its own, as a worker is: it takes an
 * order, then runs a round for each that is sent to it and answers with the milliseconds that the round took.
 */
export interface FloorOrder extends FloorAt {
  provider: 'google' | 'microsoft'
  databaseUrl: string
  redisUrl: string | null
  receiverUrl: string
}

export interface FloorRound {
  mailboxes: readonly string[]
  calls: Calls
}

export type FloorAnswer = { milliseconds: number } | { problem: string }

const CONCURRENCY = 64
const ADD_AT_ONCE = 500

onOrder(async (order: FloorOrder): Promise<'ready'> => {
  const run = await prepare(order)
  process.on('message', async (round: FloorRound) => {
    const answer = await run(round).catch((error: Error) => ({ problem: error.message }))
    process.send?.(answer)
  })
  return 'ready'
})

async function prepare(order: FloorOrder): Promise<(round: FloorRound) => Promise<FloorAnswer>> {
  const database = new pg.Pool({ connectionString: order.databaseUrl, max: 20 })
  await database.query(
    'create table if not exists floor_requests (id text primary key, email text, status text, token text)',
  )
  const actAs = order.provider === 'google' ? atGoogle(order, CONCURRENCY) : atMicrosoft(order, CONCURRENCY, INITECH)
  const receiver = new Pool(order.receiverUrl, { connections: CONCURRENCY })
  const connection = await openStore(order)
  const queue = new Queue('floor', { connection })

  const tell = async (body: string) => {
    const headers = { 'content-type': 'application/json' }
    const answer = await receiver.request({ path: '/floor', method: 'POST', headers, body })
    if (answer.statusCode !== 200) throw new Error(`the receiver answered ${answer.statusCode}`)
    await answer.body.dump()
  }

  let left = 0
  let round = Promise.withResolvers<void>()
  const worker = new Worker(
    'floor',
    async ({ data: { id, email, calls } }: { data: { id: string; email: string; calls: Calls } }) => {
      const token = await actAs(email, calls)
      await database.query("insert into floor_requests (id, email, status) values ($1, $2, 'pending')", [id, email])
      await database.query("update floor_requests set status = 'granted', token = $2 where id = $1", [id, token])
      await tell(JSON.stringify({ authorization: { code: id, state: email } }))
      await database.query("update floor_requests set status = 'delivered' where id = $1", [id])
      left -= 1
      if (left === 0) round.resolve()
    },
    { connection, concurrency: CONCURRENCY },
  )
  worker.on('failed', (_job, error) => round.reject(error))

  return async ({ mailboxes, calls }) => {
    round = Promise.withResolvers()
    left = mailboxes.length
    const prefix = `r${Date.now()}`
    const jobs = mailboxes.map((email, index) => {
      const data = { id: `${prefix}-${index}`, email, calls }
      return { name: 'floor', data, opts: { removeOnComplete: true, removeOnFail: true } }
    })
    const begun = performance.now()
    for (let start = 0; start < jobs.length; start += ADD_AT_ONCE)
      await queue.addBulk(jobs.slice(start, start + ADD_AT_ONCE))
    await round.promise
    return { milliseconds: performance.now() - begun }
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
