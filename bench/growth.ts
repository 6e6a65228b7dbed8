import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { roundTrips, strangers } from './callbacks.js'
import { asLine, cpuTime, since } from './cpu-time.js'
import { type BenchedMandate, startMandate } from './mandate.js'
import { resultOf, type Scenario } from './scenario.js'

const NAME = 'growth'
const WARM_UP = 500
const MAILBOXES = 3_000
const ACTS = 20_000

/** What a mailbox costs for good, and how fast one client's acts are chained: for the arithmetic of docs/operations.md. */
export const growth: Scenario = {
  name: NAME,
  about: 'what a mailbox and an act take on disk, and how many acts of one client are chained in a second',
  async run(ground, _rounds, say) {
    const databaseUrl = await ground.createDatabase(NAME)
    await using mandate = await startMandate(ground, { databaseUrl, redisUrl: ground.redisUrl })
    const database = new pg.Client({ connectionString: databaseUrl })
    await database.connect()
    try {
      await mandate.startWorker()
      const people = strangers()
      await roundTrips(ground, mandate, people, WARM_UP)
      await chained(database)
      const [size, cpu] = [await sizeOf(database), cpuTime(ground.directory)]
      await roundTrips(ground, mandate, people, MAILBOXES)
      await chained(database)
      say(`${NAME}: ${asLine(since(cpu, cpuTime(ground.directory)), MAILBOXES)}`)
      const kilobytes = ((await sizeOf(database)) - size) / 1024 / MAILBOXES
      const before = await sizeOf(database)
      const rate = await chaining(database, mandate)
      const bytes = ((await sizeOf(database)) - before) / ACTS
      return [
        resultOf('growth-disk', 'KB/mailbox', { ours: [kilobytes] }),
        resultOf('growth-audit', 'bytes/act', { ours: [bytes] }),
        resultOf('growth-chain', 'acts/s', { ours: [rate] }),
      ]
    } finally {
      await database.end()
    }
  },
}

/** The database whole, with what is free in it for the next rows. */
async function sizeOf(database: pg.Client): Promise<number> {
  const { rows } = await database.query('select pg_database_size(current_database())::float8 as size')
  return rows[0].size
}

async function chained(database: pg.Client): Promise<void> {
  for (;;) {
    const { rows } = await database.query('select exists (select 1 from audit_arrivals) as some')
    if (!rows[0].some) return
    await pause(20)
  }
}

async function chaining(database: pg.Client, { client }: BenchedMandate): Promise<number> {
  await database.query(
    `insert into audit_arrivals (client_id, at, act, actor, service_account_id, mailbox, subject)
     select $1, now(), 'mint.granted', 'mandate', 'ser_1', 'user' || n || '@acme.test', 'gra_' || n
     from generate_series(1, ${ACTS}) n`,
    [client.id],
  )
  const begun = performance.now()
  await chained(database)
  return (ACTS / (performance.now() - begun)) * 1000
}
