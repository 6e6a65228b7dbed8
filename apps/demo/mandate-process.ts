import { freePort } from './free-port.js'
import { answersOk, NodeProcess } from './node-process.js'

/** A Mandate of its own: the standalone process, and the CLI beside it. */
export class MandateProcess {
  private constructor(
    private readonly process: NodeProcess,
    private readonly settings: Record<string, string>,
    readonly url: string,
  ) {}

  static async start(settings: Record<string, string>): Promise<MandateProcess> {
    const port = String(await freePort())
    const process = NodeProcess.start('standalone/main.js', { ...settings, PORT: port })
    const mandate = new MandateProcess(process, settings, `http://127.0.0.1:${port}`)
    await process.until(() => answersOk(`${mandate.url}/health/ready`))
    return mandate
  }

  cli(...words: string[]): Promise<Record<string, string>> {
    return runCli(this.settings, ...words)
  }

  stop(): Promise<void> {
    return this.process.stop()
  }
}

/** Runs `mandate …` with `--json` and reads what it prints. */
export async function runCli(settings: Record<string, string>, ...words: string[]): Promise<Record<string, string>> {
  const cli = NodeProcess.start('cli/main.js', settings, [...words, '--json'])
  await cli.until(() => cli.hasEnded)
  if (cli.exitCode !== 0) throw new Error(`mandate ${words[0]} ${words[1]} failed:\n${cli.said}`)
  return JSON.parse(cli.said)
}
