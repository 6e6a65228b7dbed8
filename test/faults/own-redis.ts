import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { freePort } from '../../apps/demo/free-port.js'

/** A Redis that may be killed, flushed and frozen; keeps nothing, so a kill loses all that it held. */
export class OwnRedis {
  #server: ReturnType<typeof spawn> | undefined

  private constructor(private readonly port: number) {}

  /** Null where the program is not installed. */
  static async start(more: string[] = []): Promise<OwnRedis | null> {
    const redis = new OwnRedis(await freePort())
    return (await redis.startServer(more)) ? redis : null
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  async startServer(more: string[] = []): Promise<boolean> {
    const options = ['--port', `${this.port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', ...more]
    const server = spawn('redis-server', options, { stdio: 'ignore', detached: true })
    const started = await Promise.race([
      once(server, 'spawn').then(() => true),
      once(server, 'error').then(() => false),
    ])
    if (!started) return false
    this.#server = server
    await this.#asked((client) => client.ping())
    return true
  }

  flush(): Promise<unknown> {
    return this.#asked((client) => client.flushall())
  }

  async killAndRestart(): Promise<void> {
    await this.stop()
    await this.startServer()
  }

  /** Is connected and says nothing, until it thaws. */
  freeze(): void {
    this.#server?.kill('SIGSTOP')
  }

  thaw(): void {
    this.#server?.kill('SIGCONT')
  }

  async freezeFor(seconds: number): Promise<void> {
    this.freeze()
    await pause(seconds * 1000)
    this.thaw()
  }

  async stop(): Promise<void> {
    const server = this.#server
    if (!server || server.exitCode !== null || server.signalCode !== null) return
    server.kill('SIGKILL')
    await once(server, 'exit')
  }

  async #asked<T>(work: (client: Redis) => Promise<T>): Promise<T> {
    const client = new Redis(this.url, { maxRetriesPerRequest: 100 })
    client.on('error', () => {})
    return work(client).finally(() => client.disconnect())
  }
}
