import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { seconds } from '#platform/clock/clock.js'
import type { Log } from './log.js'
import { METRICS_TYPE, scrape, watchProcess } from './metrics.js'

/** Several Prometheus servers look at about the same time, and cost one measurement. */
const ANSWER_KEPT = seconds(1)

export interface OperatorServer {
  port: number
  close(): Promise<void>
}

/** What only the operator sees, on a port of its own: never on the public origin, whatever a proxy in front lets through. */
export async function listenForOperator(where: { host: string; port: number }, log: Log): Promise<OperatorServer> {
  watchProcess()
  const metrics = keptFor(ANSWER_KEPT, () => scrape((error) => log.failure('metrics.not_measured', error)))
  const server = createServer((request, response) => {
    answer(request, response, metrics).catch((error) => {
      log.failure('metrics.not_answered', error)
      response.writeHead(500).end()
    })
  })
  server.listen(where.port, where.host)
  await once(server, 'listening')
  const close = async () => {
    server.close()
    server.closeAllConnections()
  }
  return { port: (server.address() as AddressInfo).port, close }
}

async function answer({ method, url }: IncomingMessage, response: ServerResponse, metrics: () => Promise<string>) {
  if (url !== '/metrics') return void response.writeHead(404).end('The operator finds /metrics here.\n')
  if (method !== 'GET') return void response.writeHead(405, { allow: 'GET' }).end()
  const text = await metrics()
  response.writeHead(200, { 'content-type': METRICS_TYPE, 'cache-control': 'no-store' }).end(text)
}

/** One at a time, and not again for a while. */
function keptFor(milliseconds: number, work: () => Promise<string>): () => Promise<string> {
  let kept: { until: number; answer: Promise<string> } | undefined
  return () => {
    if (!kept || kept.until < performance.now()) kept = { until: performance.now() + milliseconds, answer: work() }
    return kept.answer
  }
}
