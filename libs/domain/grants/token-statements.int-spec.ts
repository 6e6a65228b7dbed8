import { databaseForTests } from '#platform/testing/database-for-tests.js'
import {
  EXCHANGE_CODE,
  FIND_ACCESS_TOKEN,
  FIND_CODE,
  FIND_REFRESH_TOKEN,
  ROTATE_REFRESH_TOKEN,
} from './token-statements.js'

interface Plan {
  'Node Type': string
  'Relation Name'?: string
  Plans?: Plan[]
}

describe('statements of the token routes', () => {
  const stage = databaseForTests([])

  // Such a plan is kept for as long as the connection lasts, and tables grow.
  it.each(
    [FIND_ACCESS_TOKEN, FIND_CODE, FIND_REFRESH_TOKEN, EXCHANGE_CODE, ROTATE_REFRESH_TOKEN].map(({ alone }) => alone!),
  )('are planned by keys before there is anything in the tables: $name', async ({ text }) => {
    const planned = await stage.database.read((em) =>
      em.getConnection().execute<{ 'QUERY PLAN': { Plan: Plan }[] }[]>(`explain (generic_plan, format json) ${text}`),
    )
    const scanned: string[] = []
    const walk = (plan: Plan) => {
      if (plan['Node Type'] === 'Seq Scan') scanned.push(plan['Relation Name'] ?? '?')
      plan.Plans?.forEach(walk)
    }
    walk(planned[0]!['QUERY PLAN'][0]!.Plan)
    // Of clients there are few.
    expect(scanned.filter((table) => table !== 'clients')).toEqual([])
  })
})
