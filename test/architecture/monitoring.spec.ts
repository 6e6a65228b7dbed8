import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { scrape, watchProcess } from '#platform/observability/metrics.js'
import { alerts, namesIn, type Panel, panels, queries } from './monitoring-queries.js'
import { ROOT, sourceFiles } from './source-files.js'

const cases = queries.map(({ where, expr }) => [where, expr] as const)

/** Given by Prometheus, or part of a histogram. */
const GIVEN_LABELS = ['le', 'job', 'instance']

describe('the dashboard and the alerts', () => {
  let series: Set<string>
  let labels: Set<string>

  beforeAll(async () => {
    const defining = sourceFiles('libs').filter(({ path }) => /(\.metrics|\/metrics)\.ts$/.test(path))
    for (const { path } of defining) await import(join(ROOT, path))
    watchProcess()
    const text = await scrape(() => {})
    const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => ({ name: name!, type }))
    series = new Set(
      types.flatMap(({ name, type }) =>
        type === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => name + end) : [name],
      ),
    )
    const keys = defining.flatMap(({ text: source }) => [...source.matchAll(/(?:labels: \{ |, |^ {4})(\w+): /gm)])
    labels = new Set([...GIVEN_LABELS, ...keys.map(([, key]) => key!)])
  })

  it.each(cases)('%s is PromQL: %s', (_where, expr) => {
    expect(namesIn(expr, '⚠')).toEqual([])
  })

  it.each(cases)('%s names metrics and labels that there are', (_where, expr) => {
    expect(namesIn(expr, 'Identifier').filter((name) => !series.has(name))).toEqual([])
    expect(namesIn(expr, 'LabelName').filter((name) => !labels.has(name))).toEqual([])
  })

  it('show every metric of ours somewhere', () => {
    const shown = new Set(queries.flatMap(({ expr }) => namesIn(expr, 'Identifier')))
    const bases = (names: Iterable<string>) =>
      new Set(
        [...names].map((name) => name.replace(/_(bucket|sum|count)$/, '')).filter((name) => /^mandate_/.test(name)),
      )
    expect([...bases(series)].filter((name) => !bases(shown).has(name))).toEqual([])
  })
})

describe('the dashboard', () => {
  it('has panels that explain themselves and do not lie on one another', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    for (const panel of panels.filter(({ type }) => type !== 'row')) expect(panel.description).toMatch(/\w+\.$/)
    const overlaps = panels.flatMap((one) =>
      panels.filter((other) => other.id > one.id && overlap(one.gridPos, other.gridPos)).map(({ title }) => title),
    )
    expect(overlaps).toEqual([])
  })
})

describe('the alerts', () => {
  it.each(alerts.map((alert) => [alert.alert, alert] as const))(
    '%s says what is wrong, how bad, and what to do',
    (name, alert) => {
      expect(['info', 'warning', 'critical']).toContain(alert.labels.severity)
      expect(alert.for).toMatch(/^\d+[mh]$/)
      expect(alert.annotations.summary).toMatch(/\.$/)
      expect(alert.annotations.description).toMatch(/\.$/)
      expect(readFileSync(join(ROOT, 'docs/operations.md'), 'utf8').includes(`\`${name}\``)).toBe(true)
    },
  )

  it('have names of their own', () => {
    expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length)
  })
})

type Box = Panel['gridPos']
const overlap = (a: Box, b: Box) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h
