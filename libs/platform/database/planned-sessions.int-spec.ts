import pg from 'pg'
import { seconds } from '#platform/clock/clock.js'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { until } from '#platform/testing/until.js'
import { PlannedSessions } from './planned-sessions.js'
import { defineLookup, defineStatement } from './statement.js'

const FIND = defineLookup<{ id: string }>(
  'find-growing',
  'select id as asked, id from growing where id = any ($1::text[])',
)
/** The plan that is kept under that name: by an index, or of the whole table. */
const PLAN = defineStatement<{ 'QUERY PLAN': string }>('', `explain execute "find-growing" ('{1}')`)
const HANG_UP = defineStatement('hang-up', 'select pg_terminate_backend(pg_backend_pid())')

describe('sessions that plan once', () => {
  const { url } = testDatabase()
  let now = 0
  let sessions: PlannedSessions
  let database: pg.Client

  const readsAll = async () => {
    const lines = await sessions.query(PLAN, [])
    return lines.some((line) => line['QUERY PLAN'].includes('Seq Scan'))
  }
  const find = (...ids: string[]) => sessions.query(FIND, [ids])

  beforeAll(async () => {
    database = new pg.Client({ connectionString: url.reveal() })
    await database.connect()
    await database.query('create table growing (id text primary key) with (autovacuum_enabled = off)')
    await database.query('vacuum growing')
    sessions = new PlannedSessions(url, () => now)
  })
  afterAll(async () => {
    await sessions.onApplicationShutdown()
    await database.end()
  })

  it('keep a plan, for one row and for many, and make it anew when it is ten seconds old', async () => {
    expect(await find('1')).toEqual([])
    await database.query('insert into growing select generate_series(1, 5000)::text')
    expect(await find('1', '2', '5001')).toHaveLength(2)
    now += seconds(9)
    expect(await readsAll()).toBe(true)
    now += seconds(1)
    expect(await find('1')).toHaveLength(1)
    expect(await readsAll()).toBe(false)
  })

  it('go on in another one when one is lost', async () => {
    await expect(sessions.query(HANG_UP, [])).rejects.toMatchObject({ code: '57P01' })
    expect(await find('1')).toHaveLength(1)
  })

  it('go on when all of them are lost while nobody asks', async () => {
    await Promise.all([find('1'), find('2')])
    const others = 'pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()'
    await database.query(`select pg_terminate_backend(pid, 5000) from ${others}`)
    expect(await until('another one', () => find('1'))).toHaveLength(1)
  })
})
