import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { defineBatchStatement, defineLookup, defineStatement } from './statement.js'

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
  'count',
  `with asked as (select * from unnest($1::text[], $2::int[]) as asked (id, step)),
   noted as (insert into counted select id, pg_current_xact_id() from asked)
   update counters set count = count + step from asked where counters.id = asked.id
   returning counters.id, count`,
)

/** By the remainder of a number, and in which statement it was found. */
const FIND = defineLookup<{ id: string; statement: string }>(
  'find-counters',
  `select count::text as asked, id, pg_current_xact_id()::text as statement from counters
   where count = any (array(select k::int from unnest($1::text[]) k)) order by length(id), id`,
)

const CREATE_ATTEMPTS = defineStatement('create-attempts', 'create sequence attempts')
const ATTEMPTS = defineStatement<{ made: number }>('attempts', 'select last_value::int as made from attempts')
/** Loses its connection in the middle. */
const HANG_UP = defineBatchStatement<{ id: string }>(
  'hang-up',
  `select $1::text[] as id, nextval('attempts'), pg_terminate_backend(pg_backend_pid())`,
)

describe('statements that go together', () => {
  const stage = databaseForTests([])
  const count = (id: string, step = 1) => stage.database.runTogether(COUNT, [id, step])

  beforeAll(async () => {
    await stage.database.run(CREATE, [])
    await stage.database.run(LOG, [])
    await stage.database.run(CREATE_ATTEMPTS, [])
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

  it('are not sent again when nobody knows what became of them', async () => {
    await expect(stage.database.runTogether(HANG_UP, ['c1'])).rejects.toMatchObject({ code: '57P01' })
    expect(await stage.database.run(ATTEMPTS, [])).toEqual([{ made: 1 }])
  })
})

describe('what many look up', () => {
  const stage = databaseForTests([])
  const idsOf = (rows: readonly { id: string }[]) => rows.map(({ id }) => id)

  beforeAll(async () => {
    await stage.database.run(CREATE, [])
    await stage.database.read((em) =>
      em.getConnection().execute("insert into counters select 'c' || n, n % 3 from generate_series(1, 6) n"),
    )
  })

  it('is asked for in one statement, and each gets the rows of their key', async () => {
    const answers = await Promise.all(['0', '1', '7', '1'].map((key) => stage.database.lookUp(FIND, key)))
    expect(answers.map(idsOf)).toEqual([['c3', 'c6'], ['c1', 'c4'], [], ['c1', 'c4']])
    expect(new Set(answers.flat().map(({ statement }) => statement)).size).toBe(1)
  })

  it('is seen as it is when it is asked for, and not as an earlier question found it', async () => {
    const before = stage.database.lookUp(FIND, '0')
    await stage.database.read((em) => em.getConnection().execute("update counters set count = 2 where id = 'c3'"))
    await before
    expect(idsOf(await stage.database.lookUp(FIND, '0'))).toEqual(['c6'])
  })

  it('fails for the key that cannot be asked for, and for no other', async () => {
    const answers = await Promise.allSettled(['1', 'x', '1'].map((key) => stage.database.lookUp(FIND, key)))
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  })
})
