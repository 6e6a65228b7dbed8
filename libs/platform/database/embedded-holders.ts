import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdir, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Cluster } from './embedded-cluster.js'
import { isAlive, programOf, surroundingsOf } from './embedded-process.js'
import { giveTo } from './embedded-server-user.js'

// The processes of ours that use one server are files in a folder, and who removes the folder stops the server.
// A folder that is not empty cannot be removed, and in a removed one no file can be made: joining and leaving as the
// last one exclude each other, in whatever order a process, its watchdog and a new process come.

export interface Holder {
  /** True: nobody else is left and nobody can join any more, so the server is ours to stop. */
  leave(): Promise<boolean>
}

/** For the process that is about to start the server, when there can be no other. */
export async function firstHolder(cluster: Cluster): Promise<Holder> {
  const [folder, prepared] = [folderOf(cluster), `${folderOf(cluster)}.new`]
  for (const left of [folder, prepared]) await rm(left, { recursive: true, force: true })
  await mkdir(prepared, { mode: 0o700 })
  await giveTo(cluster.user, prepared)
  const name = newName()
  await writeFile(join(prepared, name), '')
  await rename(prepared, folder) // never seen empty, so nobody's watchdog takes it away
  return holder(cluster, name)
}

/** For the process that found the server running. Undefined: it is being stopped. */
export async function nextHolder(cluster: Cluster): Promise<Holder | undefined> {
  const name = newName()
  try {
    await writeFile(join(folderOf(cluster), name), '')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  await forgetKilled(folderOf(cluster))
  return holder(cluster, name)
}

/** In PostgreSQL's folder, because the watchdog runs as the server's user and may write nowhere else. */
const folderOf = (cluster: Cluster) => join(cluster.data, 'mandate-holders')

const newName = () => `${process.pid}-${randomUUID()}`

function holder(cluster: Cluster, name: string): Holder {
  const folder = folderOf(cluster)
  const watchdog = watchOver(cluster, folder, name)
  return {
    leave: async () => {
      await forgetKilled(folder)
      await rm(join(folder, name), { force: true })
      const wasLast = await rmdir(folder).then(
        () => true,
        () => false,
      )
      watchdog.dismiss()
      return wasLast
    },
  }
}

/** Those whose watchdog was killed with them. A process id that has been given again keeps its file, and so the server up. */
async function forgetKilled(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => [])
  const killed = names.filter((name) => !isAlive(Number.parseInt(name, 10)))
  for (const name of killed) await rm(join(folder, name), { force: true })
}

/**
 * A shell that waits on a pipe to us. The kernel closes the pipe however we end, SIGKILL included; then it leaves in our
 * stead and, as the last one, stops the server. It has its own session, so that Ctrl-C reaches us only.
 * Where there is no `sh` (Windows), or it was killed with us, the server stays until the next start joins it.
 */
function watchOver(cluster: Cluster, folder: string, name: string): { dismiss(): void } {
  if (process.platform === 'win32') return { dismiss: () => {} }
  const script = 'read -r line || { rm -f "$1/$2"; rmdir "$1" && exec "$0" stop -s -D "$3" -m fast; }'
  const shell = spawn('/bin/sh', ['-c', script, programOf(cluster, 'pg_ctl'), folder, name, cluster.data], {
    ...surroundingsOf(cluster),
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  shell.on('error', () => {}) // no shell: as on Windows
  shell.stdin.on('error', () => {}) // somebody killed it before us
  shell.unref()
  return { dismiss: () => shell.stdin.end('dismissed\n') }
}
