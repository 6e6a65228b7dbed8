import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parser } from '@prometheus-io/lezer-promql'
import { parse } from 'yaml'
import { ROOT } from './source-files.js'

interface Query {
  where: string
  expr: string
}
export interface Panel {
  id: number
  type: string
  title: string
  description?: string
  targets?: { expr: string }[]
  gridPos: { x: number; y: number; w: number; h: number }
}
interface Alert {
  alert: string
  expr: string
  for: string
  labels: { severity: string }
  annotations: { summary: string; description: string }
}

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
export const { panels } = JSON.parse(read('deploy/monitoring/grafana-dashboard.json')) as { panels: Panel[] }
export const alerts: Alert[] = parse(read('deploy/monitoring/alerts.yaml')).groups.flatMap(
  ({ rules }: { rules: Alert[] }) => rules,
)
/** Everything that either of them asks Prometheus. */
export const queries: Query[] = [
  ...panels.flatMap(({ title, targets = [] }) =>
    // Grafana puts a duration there.
    targets.map(({ expr }) => ({ where: `panel ${title}`, expr: expr.replaceAll('$__rate_interval', '1m') })),
  ),
  ...alerts.map(({ alert, expr }) => ({ where: `alert ${alert}`, expr })),
]

/** The texts of all nodes of this kind; Prometheus' own grammar calls what it cannot read ⚠. */
export function namesIn(expr: string, kind: string): string[] {
  const found: string[] = []
  const cursor = parser.parse(expr).cursor()
  do {
    if (cursor.name === kind) found.push(expr.slice(cursor.from, cursor.to))
  } while (cursor.next())
  return found
}
