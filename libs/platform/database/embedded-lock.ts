import { open } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import { EmbeddedPostgresError } from './embedded-postgres.errors.js'

const SQLITE_BUSY = 5

/**
 * Runs `work` while no other process holds this file. The lock is an empty SQLite database held exclusively: the
 * operating system gives it back when its holder dies, so there is no stale lock to recognise. A file with a process
 * id would need that, and a container that restarts hands out the same ids again.
 */
export async function holdingLock<T>(file: string, work: () => Promise<T>, { timeoutMs = 90_000 } = {}): Promise<T> {
  const lock = await takeLock(file, Date.now() + timeoutMs)
  try {
    return await work()
  } finally {
    lock.close()
  }
}

async function takeLock(file: string, deadline: number): Promise<DatabaseSync> {
  await (await open(file, 'a', 0o600)).close() // SQLite would let everybody open it, and so hold it
  for (;;) {
    const lock = new DatabaseSync(file)
    try {
      lock.exec('PRAGMA busy_timeout = 0; PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE')
      return lock
    } catch (error) {
      lock.close()
      if ((error as { errcode?: number }).errcode !== SQLITE_BUSY) throw error
    }
    if (Date.now() > deadline)
      throw new EmbeddedPostgresError(
        `Another Mandate process has been starting or stopping PostgreSQL for too long (it holds ${file}).`,
        'End that process and start again.',
      )
    await pause(50)
  }
}
