import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'
import { until } from '#platform/testing/until.js'
import { freePort } from '../../apps/demo/free-port.js'
import { newSigningKey, selfSignedCertificate } from '../../apps/sandbox/core/self-signed-certificate.js'

const run = promisify(execFile)
/** Of a machine that is busy, for what takes a second or two. */
const PATIENCE_MS = 60_000

/** Some Redis servers on this machine, as an operator may have set them up; kept in a folder that goes with them. */
export class RedisServers {
  readonly #servers = new Map<number, ReturnType<typeof spawn>>()

  private constructor(readonly folder: string) {}

  static async inFolder(): Promise<RedisServers> {
    return new RedisServers(await mkdtemp(join(tmpdir(), 'mandate-redis-')))
  }

  /** Three that share the slots. @returns their addresses */
  async cluster(): Promise<string[]> {
    const ports = await Promise.all([freePort(), freePort(), freePort()])
    for (const port of ports) {
      const bus = ['--cluster-enabled', 'yes', '--cluster-port', `${await freePort()}`]
      await this.start(port, [...bus, '--cluster-config-file', `nodes-${port}.conf`])
    }
    const nodes = ports.map((port) => `127.0.0.1:${port}`)
    await run('redis-cli', ['--cluster', 'create', ...nodes, '--cluster-yes'], { timeout: PATIENCE_MS })
    await Promise.all(
      ports.map((port) =>
        until('the cluster to be whole', () =>
          this.ask(port, async (redis) => /cluster_state:ok/.test(String(await redis.call('cluster', 'info')))),
        ),
      ),
    )
    return nodes.map((node) => `redis://${node}`)
  }

  /** A primary with a replica, and a sentinel that makes the one the other soon after it has died. */
  async watched(name: string): Promise<{ primary: number; sentinel: string }> {
    const [primary, replica, sentinel] = [await freePort(), await freePort(), await freePort()]
    await this.start(primary)
    await this.start(replica, ['--replicaof', '127.0.0.1', `${primary}`])
    await until('the replica to follow', () =>
      this.ask(replica, async (redis) => /master_link_status:up/.test(await redis.info('replication'))),
    )
    const file = join(this.folder, 'sentinel.conf')
    const rules = [
      `sentinel monitor ${name} 127.0.0.1 ${primary} 1`,
      `sentinel down-after-milliseconds ${name} 500`,
      `sentinel failover-timeout ${name} 5000`,
    ]
    await writeFile(file, `${rules.join('\n')}\n`)
    await this.#spawn(sentinel, [file, '--sentinel', '--port', `${sentinel}`, '--bind', '127.0.0.1'])
    await until('the sentinel to know the replica', () =>
      this.ask(sentinel, async (redis) =>
        JSON.stringify(await redis.call('sentinel', 'replicas', name)).includes(`${replica}`),
      ),
    )
    return { primary, sentinel: `redis://127.0.0.1:${sentinel}` }
  }

  /** One that speaks TLS and nothing else. @returns its address, and the certificate to trust */
  async withTls(password: string): Promise<{ url: string; ca: string }> {
    const key = await newSigningKey()
    const ca = selfSignedCertificate(key, 'localhost')
    const [certFile, keyFile] = [join(this.folder, 'tls.crt'), join(this.folder, 'tls.key')]
    await writeFile(certFile, ca)
    await writeFile(keyFile, key.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
    const port = await freePort()
    const tls = ['--tls-cert-file', certFile, '--tls-key-file', keyFile, '--tls-ca-cert-file', certFile]
    const options = [
      '--port',
      '0',
      '--tls-port',
      `${port}`,
      ...tls,
      '--tls-auth-clients',
      'no',
      '--requirepass',
      password,
    ]
    await this.#spawn(port, [...options, '--bind', '127.0.0.1', '--dir', this.folder, '--save', ''])
    await until('it to listen', async () => {
      const socket = connect(port, '127.0.0.1')
      return once(socket, 'connect').finally(() => socket.destroy())
    })
    return { url: `rediss://:${password}@localhost:${port}`, ca }
  }

  async start(port: number, more: string[] = []): Promise<void> {
    const options = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', this.folder, '--save', '']
    const ended = once(await this.#spawn(port, [...options, ...more]), 'exit')
    const hasEnded = ended.then(([code]) =>
      Promise.reject(new Error(`redis-server ended with ${code} on port ${port}`)),
    )
    await Promise.race([this.ask(port, (redis) => redis.ping()), hasEnded])
  }

  async kill(port: number): Promise<void> {
    const server = this.#servers.get(port)
    if (!server || server.exitCode !== null || server.signalCode !== null) return
    server.kill('SIGKILL')
    await once(server, 'exit')
  }

  async stop(): Promise<void> {
    for (const port of this.#servers.keys()) await this.kill(port)
    await rm(this.folder, { recursive: true, force: true })
  }

  async ask<T>(port: number, work: (redis: Redis) => Promise<T>): Promise<T> {
    const redis = new Redis({ host: '127.0.0.1', port, maxRetriesPerRequest: 100 })
    redis.on('error', () => {})
    return work(redis).finally(() => redis.disconnect())
  }

  async #spawn(port: number, options: string[]): Promise<ReturnType<typeof spawn>> {
    const server = spawn('redis-server', options, { stdio: 'ignore', detached: true })
    await once(server, 'spawn')
    this.#servers.set(port, server)
    return server
  }
}
