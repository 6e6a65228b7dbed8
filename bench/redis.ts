import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Redis } from 'ioredis'
import { freePort } from '../apps/demo/free-port.js'

/** A Redis of the bench's own, where the program is installed; null elsewhere. */
export async function openRedis(directory: string): Promise<{ url: string; close: () => Promise<void> } | null> {
  const port = await freePort()
  const options = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', directory, '--save', '', '--appendonly', 'no']
  const server = spawn('redis-server', options, { stdio: 'ignore', detached: true })
  const started = await Promise.race([
    once(server, 'spawn').then(() => true),
    once(server, 'error').then(() => false),
  ]).catch(() => false)
  if (!started) return null
  const url = `redis://127.0.0.1:${port}`
  const client = new Redis(url, { maxRetriesPerRequest: 50 })
  client.on('error', () => {})
  await client.ping()
  client.disconnect()
  const close = async () => {
    server.kill('SIGTERM')
    await once(server, 'exit')
  }
  return { url, close }
}
