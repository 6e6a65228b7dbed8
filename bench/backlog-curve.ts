import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/** What a process held, in megabytes, when so many had been told after so long. */
export interface Sample {
  seconds: number
  told: number
  worker: number
  api: number
}

export const CURVE = 'artefacts/backlog.csv'
const HEADER = 'seconds,told,worker MB,api MB'

export async function writeCurve(samples: readonly Sample[]): Promise<void> {
  const lines = samples.map(({ seconds, told, worker, api }) => [seconds.toFixed(1), told, worker, api].join(','))
  await mkdir(dirname(CURVE), { recursive: true })
  await writeFile(CURVE, `${[HEADER, ...lines].join('\n')}\n`)
}

/** @throws Error where there is none, or something else stands there */
export async function readCurve(): Promise<Sample[]> {
  const text = await readFile(CURVE, 'utf8').catch(() => '')
  const [header, ...lines] = text.trim().split('\n')
  if (header !== HEADER || lines.length < 3)
    throw new Error(`There is no curve in ${CURVE}: \`npm run bench -- --only backlog\` writes it.`)
  return lines.map((line) => {
    const [seconds = 0, told = 0, worker = 0, api = 0] = line.split(',').map(Number)
    return { seconds, told, worker, api }
  })
}
