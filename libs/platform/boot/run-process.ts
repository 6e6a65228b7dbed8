import { onNpmShellGone } from '#platform/config/npm-shell.js'
import {
  ConfigurationError,
  forgetSecrets,
  loadSettings,
  type RunMode,
  type Settings,
} from '#platform/config/settings.js'
import { armFailPoint } from '#platform/fail-points/fail-point.js'
import { Log } from '#platform/observability/log.js'
import { boundGarbage } from './bound-garbage.js'
import { releaseStartMemory } from './release-start-memory.js'
import type { RunningApplication } from './run-application.js'

/** A whole process: configuration, start, and a clean stop on SIGINT and SIGTERM. A second signal stops waiting. */
export async function runProcess(mode: RunMode, start: (settings: Settings, log: Log) => Promise<RunningApplication>) {
  boundGarbage()
  try {
    const settings = loadSettings(mode)
    forgetSecrets()
    armFailPoint(settings.failPoint)
    const log = new Log(settings.logLevel)
    const running = await start(settings, log)
    stopOnSignals(running, log)
    void releaseStartMemory()
  } catch (error) {
    process.stderr.write(`${explained(error)}\n`)
    // What had been opened before it failed must not keep a process alive that serves nobody.
    process.exit(1)
  }
}

function stopOnSignals(running: RunningApplication, log: Log) {
  let stopping = false
  const stop = async (why: string) => {
    stopping = true
    log.info('process.stopping', { why })
    try {
      await running.stop()
      // All work has ended; a socket that a library keeps for later must not hold up whoever waits for us.
      process.exit(0)
    } catch (error) {
      log.failure('process.stop_failed', error)
      process.exit(1)
    }
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      if (stopping) process.exit(130)
      void stop(signal)
    })
  onNpmShellGone(() => {
    if (!stopping) void stop('npm is gone')
  })
}

function explained(error: unknown): string {
  if (error instanceof ConfigurationError)
    return `${error.message}\nEvery variable is described in docs/configuration.md.`
  const { code, message, port } = error as NodeJS.ErrnoException & { port?: number }
  if (code === 'EADDRINUSE')
    return `Port ${port} is taken by another program. Stop that program, or choose another port: PORT=${(port ?? 8080) + 1}.`
  if (code === 'EACCES' && port)
    return `Port ${port} may not be used by this user. Choose one above 1023, for example PORT=8080.`
  return `Mandate could not start: ${message ?? String(error)}`
}
