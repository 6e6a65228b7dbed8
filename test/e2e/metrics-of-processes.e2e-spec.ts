import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { freePort } from '../../apps/demo/free-port.js'
import { namesIn, queries } from '../architecture/monitoring-queries.js'
import { MandateUnderFaults } from '../faults/mandate-under-faults.js'

const PROCESSES = ['api', 'worker'] as const
type Process = (typeof PROCESSES)[number]

/** What is counted where, while one mailbox is granted, told and exchanged, and somebody tries wrong secrets. */
const COUNTED: Record<Process, string[]> = {
  api: ['mandate_http_request_seconds', 'mandate_rate_limit_refusals_total', 'mandate_token_grants_total'],
  worker: ['mandate_delivery_seconds', 'mandate_mints_total', 'mandate_provider_call_seconds'],
}
/** Known from the first pass on, a minute after the start. */
const LATER = ['mandate_retention_behind']

/** Of one metric: its kind, and the sum of its samples; null where there are none. */
interface Served {
  type: string
  sum: number | null
}

describe('an api and a worker, each a process of its own', () => {
  const { url: databaseUrl } = testDatabase()
  const asked = [...new Set(queries.flatMap(({ expr }) => namesIn(expr, 'Identifier').map(metricOf)))]
  const ours = asked.filter((name) => name.startsWith('mandate_'))
  const served = {} as Record<Process, Map<string, Served>>
  let mandate: MandateUnderFaults

  beforeAll(async () => {
    const settings = { MANDATE_LIMIT_FAILED_CLIENTS: '1' }
    mandate = await MandateUnderFaults.start({ databaseUrl, settings }, 10)
    const ports = { api: await freePort(), worker: await freePort() }
    for (const which of PROCESSES) {
      await mandate.kill(which, 'SIGTERM')
      await mandate.run(which, { MANDATE_OPERATOR_PORT: String(ports[which]) })
    }
    await mandate.ask(1)
    await mandate.comeToRest()
    const wrong = { grant_type: 'refresh_token', client_id: 'cli_x', client_secret: 'wrong' }
    for (const status of [401, 429])
      expect(await mandate.api.call('POST', '/oauth/token', { json: wrong })).toMatchObject({ status })
    for (const which of PROCESSES)
      served[which] = parsed(await (await fetch(`http://127.0.0.1:${ports[which]}/metrics`)).text())
  })
  afterAll(() => mandate?.stop())

  it('serve between them all that the dashboard and the alerts ask for', () => {
    expect(asked.filter((name) => !PROCESSES.some((which) => served[which].has(name)))).toEqual([])
  })

  it('both say how they are themselves', () => {
    const own = asked.filter((name) => !ours.includes(name))
    expect(own).not.toEqual([])
    for (const which of PROCESSES)
      expect(own.filter((name) => typeof served[which].get(name)?.sum !== 'number')).toEqual([])
  })

  // An alert asks whether a gauge is absent: it would never ring if an api served one.
  it('measure the stores in the worker alone, so that what is absent says that there is none', () => {
    const gauges = ours.filter((name) => served.worker.get(name)?.type === 'gauge')
    expect(gauges).toContain('mandate_backlog_requests')
    const isShown = (which: Process) => (name: string) => (served[which].get(name)?.sum ?? null) !== null
    expect(gauges.filter((name) => !isShown('worker')(name) && !LATER.includes(name))).toEqual([])
    expect(gauges.filter(isShown('api'))).toEqual([])
  })

  it('count each thing in the one that does it', () => {
    const counts = (which: Process) => (name: string) => (served[which].get(name)?.sum ?? 0) > 0
    const known = PROCESSES.flatMap((which) => COUNTED[which])
    for (const which of PROCESSES) expect(known.filter(counts(which))).toEqual(COUNTED[which])
  })
})

/** Of a name in a query, which for a histogram is that of one of its three series. */
function metricOf(name: string): string {
  return name.replace(/_(bucket|sum|count)$/, '')
}

function parsed(text: string): Map<string, Served> {
  const metrics = new Map<string, Served>()
  for (const [, name, type] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) metrics.set(name!, { type: type!, sum: null })
  for (const [, name, value] of text.matchAll(/^([a-z]\w*)(?:\{.*\})? (\S+)$/gm)) {
    const metric = metrics.get(name!) ?? metrics.get(metricOf(name!))!
    metric.sum = (metric.sum ?? 0) + Number(value)
  }
  return metrics
}
