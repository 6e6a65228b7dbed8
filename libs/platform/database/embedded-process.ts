import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Binaries } from './embedded-binaries.js'
import { EmbeddedPostgresError } from './embedded-postgres.errors.js'
import { explainNoSwitch, type ServerUser } from './embedded-server-user.js'

/** What it takes to run PostgreSQL's own programs. */
export interface PostgresTools {
  /** `<data directory>/postgres`: what we keep beside the data, and what they print. Owned by whoever runs Mandate. */
  home: string
  binaries: Binaries
  user: ServerUser | undefined
}

/** Nothing of our own environment: it may hold secrets, and its PG… variables would change what PostgreSQL does. */
const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C' }

/** As the server's user, and in the root directory, because that user may not be able to enter ours. */
export const surroundingsOf = ({ user }: PostgresTools) => ({ ...user, cwd: '/', env })

export const programOf = ({ binaries }: PostgresTools, name: 'initdb' | 'pg_ctl') => join(binaries.native, 'bin', name)

/**
 * Runs a tool as the server's user, and throws with what it printed when it fails. The server that `pg_ctl start`
 * leaves behind goes on writing to the same file; the next start begins a new one.
 */
export async function runPostgresTool(tools: PostgresTools, tool: 'initdb' | 'pg_ctl', args: string[]): Promise<void> {
  const logFile = join(tools.home, 'server.log')
  if (args[0] === 'start') await rm(logFile, { force: true })
  const log = await open(logFile, 'a', 0o600)
  let exitCode: number | null
  try {
    const child = spawn(programOf(tools, tool), args, {
      ...surroundingsOf(tools),
      stdio: ['ignore', log.fd, log.fd],
      windowsHide: true,
    })
    ;[exitCode] = (await once(child, 'exit')) as [number | null]
  } catch (cause) {
    throw cannotRun(tool, tools.user, cause as NodeJS.ErrnoException)
  } finally {
    await log.close()
  }
  if (exitCode !== 0) throw new PostgresToolError(tool, await lastLines(logFile))
}

export class PostgresToolError extends EmbeddedPostgresError {
  constructor(
    tool: string,
    readonly output: string,
  ) {
    super(`PostgreSQL's ${tool} failed:\n${output}\n`, 'Mend what it complains about and start again.')
  }
}

function cannotRun(tool: string, user: ServerUser | undefined, cause: NodeJS.ErrnoException): EmbeddedPostgresError {
  if (cause.code === 'ENOENT')
    return new EmbeddedPostgresError(
      `PostgreSQL's ${tool} does not run on this system: it needs glibc, which Alpine Linux, for one, does not have.`,
      'Use a Debian based image.',
      cause,
    )
  return (
    explainNoSwitch(user, cause) ??
    new EmbeddedPostgresError(`PostgreSQL's ${tool} cannot be started: ${cause.message}.`, 'Make it executable.', cause)
  )
}

async function lastLines(file: string): Promise<string> {
  return (await readFile(file, 'utf8')).trim().split('\n').slice(-8).join('\n')
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
