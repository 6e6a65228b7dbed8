import type pg from 'pg'
import type { Database } from '#platform/database/database.js'

interface PlannedNode {
  'Node Type': string
  'Relation Name'?: string
  Plans?: PlannedNode[]
}

interface Plan extends PlannedNode {
  'Shared Hit Blocks': number
  'Shared Read Blocks': number
  'Actual Rows': number
  'Actual Loops': number
  'Rows Removed by Filter'?: number
  Plans?: Plan[]
}

export interface Explained {
  /** Of 8 KiB, that the statement touched. */
  blocks: number
  /** Tables that were read from one end to the other. */
  scans: string[]
  /** Tables, and months of one, that were looked at at all. */
  tables: string[]
  /** The most that one part of the plan has read. */
  rows: number
}

/** Runs a statement as PostgreSQL would, on a table that has been analysed, and tells what it cost. */
export async function explain(database: Database, text: string, values: readonly unknown[]): Promise<Explained> {
  const pool = await database.read(async (em) => (await em.getConnection().getNativeClient()) as pg.Pool)
  const asked = await pool.query(`explain (analyze, buffers, format json) ${text}`, [...values])
  const plan: Plan = asked.rows[0]['QUERY PLAN'][0].Plan
  const scans: string[] = []
  const tables = new Set<string>()
  let rows = 0
  const walk = (node: Plan) => {
    const read = node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)
    rows = Math.max(rows, read * node['Actual Loops'])
    if (node['Relation Name'] && node['Actual Loops'] > 0) tables.add(node['Relation Name'])
    if (node['Node Type'] === 'Seq Scan') scans.push(node['Relation Name'] ?? '?')
    node.Plans?.forEach(walk)
  }
  walk(plan)
  return { blocks: plan['Shared Hit Blocks'] + plan['Shared Read Blocks'], scans, tables: [...tables], rows }
}

/** Tables that a statement would read from one end to the other, as it is planned for any number of rows. */
export async function scansOfPlan(database: Database, text: string): Promise<string[]> {
  const planned = await database.read((em) =>
    em
      .getConnection()
      .execute<{ 'QUERY PLAN': { Plan: PlannedNode }[] }[]>(`explain (generic_plan, format json) ${text}`),
  )
  const scansIn = ({ 'Node Type': type, 'Relation Name': table = '?', Plans = [] }: PlannedNode): string[] => [
    ...(type === 'Seq Scan' ? [table] : []),
    ...Plans.flatMap(scansIn),
  ]
  return scansIn(planned[0]!['QUERY PLAN'][0]!.Plan)
}
