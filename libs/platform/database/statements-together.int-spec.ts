import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { defineBatchStatement, defineStatement } from './statement.js'

const CREATE = defineStatement(
  'create-counters',
  'create table counters (id text primary key, count int check (count < 3))',
)
const STATEMENTS_SEEN = defineStatement<{ statements: number }>(
  'statements-seen',
  'select count(distinct statement)::int as statements from counted',
)
const LOG = defineStatement('create-counted', 'create table counted (id text, statement xid8)')

/** Counts, and notes in which statement it did. */
const COUNT = defineBatchStatement<{ id: string; count: number }>(
  `with asked as (select * from unnest($1::text[], $2::int[]) as asked (id, step)),
   noted as (insert into counted select id, pg_current_xact_id() from asked)
   update counters set count = count + step from asked where counters.id = asked.id
   returning counters.id, count`,
)

describe('statements that go together', () => {
  const stage = databaseForTests([])
  const count = (id: string, step = 1) => stage.database.runTogether(COUNT, [id, step])

  beforeAll(async () => {
    await stage.database.run(CREATE, [])
    await stage.database.run(LOG, [])
  })
  beforeEach(async () => {
    const reset =
      "truncate counted; delete from counters; insert into counters select 'c' || n, 0 from generate_series(1, 40) n"
    await stage.database.read((em) => em.getConnection().execute(reset))
  })

  it('are one statement, and each caller gets its own row', async () => {
    const ids = Array.from({ length: 40 }, (_, n) => `c${n + 1}`)
    const answers = await Promise.all(ids.map((id, n) => count(id, n % 3)))
    expect(answers).toEqual(ids.map((id, n) => ({ id, count: n % 3 })))
    expect(await stage.database.run(STATEMENTS_SEEN, [])).toEqual([{ statements: 1 }])
  })

  it('answer undefined for a row that is not there', async () => {
    expect(await Promise.all([count('c1'), count('nobody')])).toEqual([{ id: 'c1', count: 1 }, undefined])
  })

  it('take the same row in turn, so that the second sees what the first did', async () => {
    const counts = await Promise.all([count('c1'), count('c2'), count('c1')])
    expect(counts.map((answer) => answer?.count)).toEqual([1, 1, 2])
  })

  it('fail only for the row that cannot be written', async () => {
    const answers = await Promise.allSettled([count('c1'), count('c2', 7), count('c3')])
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(await Promise.all([count('c1', 0), count('c2', 0), count('c3', 0)])).toMatchObject([
      { count: 1 },
      { count: 0 },
      { count: 1 },
    ])
  })
})
