import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Secret } from '#platform/secrets/secret.js'
import { until } from '#platform/testing/until.js'
import { freePort } from '../../apps/demo/free-port.js'

/** A PgBouncer in transaction mode, with fewer connections than a process of ours would like: each statement may meet another session. */
export async function startPooler(program: string, behind: Secret<string>) {
  const folder = await mkdtemp(join(tmpdir(), 'mandate-pooler-'))
  await chmod(folder, 0o755)
  const { hostname, port, username, password, pathname } = new URL(behind.reveal())
  const listenPort = await freePort()
  const file = join(folder, 'pooler.ini')
  const target = `host=${hostname} port=${port} dbname=${pathname.slice(1)} user=${username} password=${decodeURIComponent(password)}`
  const settings = [
    ...['[databases]', `pooled = ${target}`, '[pgbouncer]', 'listen_addr = 127.0.0.1', `listen_port = ${listenPort}`],
    ...['auth_type = any', 'pool_mode = transaction', 'default_pool_size = 4', 'unix_socket_dir ='],
  ]
  await writeFile(file, `${settings.join('\n')}\n`, { mode: 0o644 })
  // It refuses to run as root.
  const as = process.getuid?.() === 0 ? ['-u', 'nobody'] : []
  const pooler = spawn(program, [...as, file], { stdio: 'ignore', detached: true })
  await once(pooler, 'spawn')
  const stop = async () => {
    pooler.kill('SIGKILL')
    await once(pooler, 'exit')
    await rm(folder, { recursive: true, force: true })
  }
  await until('the pooler to listen', async () => {
    const socket = connect(listenPort, '127.0.0.1')
    return once(socket, 'connect').finally(() => socket.destroy())
  })
  return { url: new Secret(`postgres://${username}@127.0.0.1:${listenPort}/pooled`), stop }
}
