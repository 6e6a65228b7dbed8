import { Pool } from 'undici'

export interface Call {
  method?: 'GET' | 'POST'
  path: string
  headers?: Record<string, string>
  body?: string
}

const CONCURRENCY = 16

/** Sends these calls, so many at once. @returns calls a second, and the milliseconds that 99 of 100 took at most */
export async function load(url: string, calls: readonly Call[]): Promise<{ rate: number; p99: number }> {
  const pool = new Pool(url, { connections: CONCURRENCY })
  const took: number[] = []
  const left = calls.values()
  const caller = async () => {
    for (const { method = 'GET', path, headers, body } of left) {
      const begun = performance.now()
      const answer = await pool.request({ method, path, headers, body })
      const text = await answer.body.text()
      took.push(performance.now() - begun)
      if (answer.statusCode >= 300) throw new Error(`${path} answered ${answer.statusCode}: ${text.slice(0, 300)}`)
    }
  }
  const begun = performance.now()
  await Promise.all(Array.from({ length: CONCURRENCY }, caller))
  const rate = (calls.length / (performance.now() - begun)) * 1000
  await pool.close()
  return { rate, p99: took.sort((a, b) => a - b)[Math.floor(took.length * 0.99)]! }
}
