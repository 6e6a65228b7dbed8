import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { freePort } from '../apps/demo/free-port.js'
import { answersOk, NodeProcess } from '../apps/demo/node-process.js'
import type { Ground } from './ground.js'
import { settingsFor } from './mandate.js'
import { residentMegabytes } from './resident-memory.js'
import { type Result, resultOf, type Scenario } from './scenario.js'

/** Until what a start leaves behind has been collected. */
const SETTLED_MS = 3_000

/** A process as an operator starts it: until its first answer, and what it holds when nothing happens. */
export const startUp: Scenario = {
  name: 'start-up',
  about: 'from start to first answer, on tables that are there; and the memory of a process that has nothing to do',
  async run(ground, rounds, say) {
    const databaseUrl = await ground.createDatabase('start-up')
    const results: Result[] = []
    for (const name of ['api', 'worker', 'standalone'] as const) {
      const figures = { milliseconds: [] as number[], megabytes: [] as number[] }
      for (let round = 0; round <= rounds; round++) {
        const { milliseconds, megabytes } = await start(ground, name, databaseUrl)
        // The first makes the tables.
        if (round === 0) continue
        say(`start-up, round ${round}, ${name}: ${milliseconds.toFixed(0)} ms, ${megabytes.toFixed(0)} MB`)
        figures.milliseconds.push(milliseconds)
        figures.megabytes.push(megabytes)
      }
      results.push(resultOf(`cold-start-${name}`, 'ms', { ours: figures.milliseconds }))
      results.push(resultOf(`idle-memory-${name}`, 'MB', { ours: figures.megabytes }))
    }
    return results
  },
}

async function start(ground: Ground, name: 'api' | 'worker' | 'standalone', databaseUrl: string) {
  const healthPort = `${await freePort()}`
  const settings: Record<string, string> = {
    ...(await settingsFor(ground, { databaseUrl, redisUrl: ground.redisUrl })),
    MANDATE_WORKER_HEALTH_PORT: healthPort,
    MANDATE_DATA_DIR: join(ground.directory, 'standalone'),
  }
  const url = `http://127.0.0.1:${name === 'worker' ? healthPort : settings.PORT}/health/ready`
  const begun = performance.now()
  const process = NodeProcess.start(`${name}/main.js`, settings)
  while (!(await answersOk(url))) {
    if (process.hasEnded) throw new Error(`${name} did not start:\n${process.said}`)
    await pause(5)
  }
  const milliseconds = performance.now() - begun
  await pause(SETTLED_MS)
  const megabytes = residentMegabytes(process.pid)
  await process.stop()
  return { milliseconds, megabytes }
}
