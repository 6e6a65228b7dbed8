import { setTimeout as pause } from 'node:timers/promises'
import type { NodeProcess } from '../apps/demo/node-process.js'
import { CURVE, type Sample, writeCurve } from './backlog-curve.js'
import { received, strangers } from './callbacks.js'
import { startChild } from './child.js'
import { asLine, type CpuTime, cpuTime, since } from './cpu-time.js'
import type { RoutesOrder, RoutesReady } from './floor-routes.js'
import { type BenchedMandate, startMandate } from './mandate.js'
import { residentMegabytes } from './resident-memory.js'
import { type Result, resultOf, type Scenario } from './scenario.js'

const NAME = 'backlog'
const REQUESTS = 100_000
const SAMPLE_MS = 1_000

/** What has been used of the processors until then goes with it. */
interface Measured extends Sample {
  cpu: CpuTime
}

/**
 * A hundred thousand requests, all accepted before the worker starts: how fast the first, a middle and the last tenth of
 * them are told, what the processes hold, and what the API's answers take meanwhile, beside those of a bare Fastify route with
 * one statement, which wait for the same processors. Takes several minutes.
 */
export const backlog: Scenario = {
  name: NAME,
  about: `${REQUESTS} requests that all wait: rates of the tenths, memory, p95 of the API; writes ${CURVE}`,
  takesLong: true,
  mailboxes: REQUESTS + 1,
  async run(ground, _rounds, say) {
    const databaseUrl = await ground.createDatabase(NAME)
    await using mandate = await startMandate(ground, { databaseUrl, redisUrl: ground.redisUrl })
    await using floor = await startChild<RoutesOrder, RoutesReady>('floor-routes.js', { databaseUrl })
    const { saas, serviceAccount } = mandate
    const [userinfo, bareRoute] = [`${mandate.url}/v1/userinfo`, `${floor.ready.url}/userinfo`]
    const token = serviceAccount.config.access_token
    const people = strangers('google', REQUESTS)
    const before = await received(ground)
    const begunToAsk = performance.now()
    const everybody = Array.from({ length: REQUESTS }, () => people.next().value)
    await saas.requestAccess(serviceAccount, everybody)
    say(`${NAME}: accepted in ${((performance.now() - begunToAsk) / 1000).toFixed(0)} s`)
    const quiet = p95(await answerTimes(userinfo, token, 200))
    const quietFloor = p95(await answerTimes(bareRoute, token, 200))
    const worker = await mandate.startWorker()
    const begun = performance.now()
    const samples: Measured[] = [{ ...sampleOf(mandate, worker), seconds: 0, told: 0, cpu: cpuTime(ground.directory) }]
    const [busy, busyFloor]: [number[], number[]] = [[], []]
    for (let told = 0; told < REQUESTS; ) {
      busy.push(...(await answerTimes(userinfo, token, 5)))
      busyFloor.push(...(await answerTimes(bareRoute, token, 5)))
      await pause(SAMPLE_MS)
      told = (await received(ground)) - before
      const seconds = (performance.now() - begun) / 1000
      samples.push({ ...sampleOf(mandate, worker), seconds, told, cpu: cpuTime(ground.directory) })
      if (worker.hasEnded) throw new Error(`The worker has ended:\n${worker.said}`)
      if (samples.length % 15 === 0) say(`${NAME}: ${told} after ${seconds.toFixed(0)} s`)
    }
    await writeCurve(samples)
    const [first, middle, last] = [spanOf(samples, 0, 0.1), spanOf(samples, 0.45, 0.55), spanOf(samples, 0.9, 1)]
    for (const [name, { told, cpu }] of Object.entries({ first, middle, last }))
      say(`${NAME}, ${name} tenth: ${asLine(cpu, told)}`)
    say(`${NAME}: p95 of the bare route was ${quietFloor.toFixed(1)} ms before, ${p95(busyFloor).toFixed(1)} meanwhile`)
    const held = (part: (sample: Sample) => number) => against(part(atPart(samples, 1)), part(atPart(samples, 0.1)))
    return [
      { ...against(middle.rate, first.rate), name: 'backlog-middle', unit: 'callbacks/s; floor: the first tenth' },
      { ...against(last.rate, first.rate), name: 'backlog-last', unit: 'callbacks/s; floor: the first tenth' },
      {
        ...against(last.cpuMicros, first.cpuMicros),
        name: 'backlog-cpu',
        unit: 'µs of CPU each; floor: the first tenth',
      },
      { ...held(({ worker }) => worker), name: 'backlog-worker', unit: 'MB; floor: after a tenth' },
      { ...held(({ api }) => api), name: 'backlog-api', unit: 'MB; floor: after a tenth' },
      { ...against(p95(busy), quiet), name: 'backlog-p95', unit: 'ms of an API call; floor: before' },
      {
        ...against(p95(busy), p95(busyFloor)),
        name: 'backlog-p95-bare',
        unit: 'ms of an API call; floor: a bare route meanwhile',
      },
    ]
  },
}

const against = (ours: number, floor: number): Omit<Result, 'name' | 'unit'> =>
  resultOf('', '', { ours: [ours], floor: [floor] })

const sampleOf = ({ api }: BenchedMandate, worker: NodeProcess) => ({
  worker: residentMegabytes(worker.pid),
  api: residentMegabytes(api.pid),
})

const atPart = <One extends Sample>(samples: readonly One[], part: number): One =>
  samples.find(({ told }) => told >= part * REQUESTS)!

function spanOf(samples: readonly Measured[], from: number, to: number) {
  const [start, end] = [atPart(samples, from), atPart(samples, to)]
  const [told, cpu] = [end.told - start.told, since(start.cpu, end.cpu)]
  const cpuMicros = ([...cpu.values()].reduce((sum, ms) => sum + ms, 0) / told) * 1000
  return { told, cpu, cpuMicros, rate: told / (end.seconds - start.seconds) }
}

async function answerTimes(url: string, token: string | undefined, calls: number): Promise<number[]> {
  const took: number[] = []
  for (let call = 0; call < calls; call++) {
    const begun = performance.now()
    const answer = await fetch(`${url}/v1/userinfo`, { headers: { authorization: `Bearer ${token}` } })
    await answer.text()
    took.push(performance.now() - begun)
  }
  return took
}

const p95 = (times: readonly number[]) => [...times].sort((a, b) => a - b)[Math.floor(times.length * 0.95)]!
