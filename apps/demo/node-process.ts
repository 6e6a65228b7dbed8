import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

/** The compiled entry points, also where this file itself runs from the sources, as it does in tests. */
const APPS = import.meta.dirname.includes('/dist/')
  ? join(import.meta.dirname, '..')
  : join(import.meta.dirname, '../../dist/apps')

/** One of our own processes, started as an operator would. */
export class NodeProcess {
  #said = ''

  private constructor(private readonly child: ChildProcess) {
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#said = (this.#said + text).slice(-20_000)
      })
  }

  /** @param entry e.g. `standalone/main.js` */
  static start(entry: string, settings: Record<string, string>, words: string[] = []): NodeProcess {
    const child = spawn(process.execPath, [join(APPS, entry), ...words], {
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...settings },
      // A group of its own: Ctrl-C reaches us, and we stop it in order.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const endToo = () => child.kill('SIGTERM')
    process.once('exit', endToo)
    child.once('exit', () => process.off('exit', endToo))
    return new NodeProcess(child)
  }

  /** The last of what it wrote to stdout and stderr. */
  get said(): string {
    return this.#said
  }

  get pid(): number {
    return this.child.pid ?? 0
  }

  get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null
  }

  get exitCode(): number | null {
    return this.child.exitCode
  }

  /** What ended it, when it did not end by itself. */
  get signalCode(): NodeJS.Signals | null {
    return this.child.signalCode
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal)
  }

  /** SIGTERM, and the wait for what it finishes first. */
  stop(): Promise<void> {
    return this.end('SIGTERM')
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.hasEnded) return
    this.child.kill(signal)
    await once(this.child, 'exit')
  }

  /** @throws with what the process said, when it ends or is silent for a minute */
  async until(ready: () => Promise<boolean> | boolean): Promise<void> {
    const deadline = Date.now() + 60_000
    while (Date.now() < deadline) {
      if (await ready()) return
      if (this.hasEnded) throw new Error(`The process ended with ${this.exitCode}:\n${this.#said}`)
      await pause(50)
    }
    await this.stop()
    throw new Error(`The process was not ready within a minute:\n${this.#said}`)
  }
}

export const answersOk = async (url: string) => (await fetch(url).catch(() => null))?.ok ?? false
