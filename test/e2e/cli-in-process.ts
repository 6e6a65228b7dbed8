// A feature names its tables when it is loaded, and once a database was opened, the next one to do so has the names of
// the others forgotten. A command loads its feature when it runs, so here they are loaded before the first.
import '#features/administration/administration.module.js'
import '#features/administration/registrations.module.js'
import '#features/events/events.module.js'
import { runCommand } from '../../apps/cli/run-command.js'
import { type CliAnswer, jsonOf } from './cli-process.js'

/**
 * Runs of `mandate …` in this process, one at a time: most of what a process of its own would need is its start.
 * For what commands do; that a process does it is shown by `mandate` of cli-process.ts.
 * @param settings of all runs in a file, and no others: a process reads them once
 */
export function commandLineInProcess(settings: Record<string, string>) {
  async function mandate(words: string[]): Promise<CliAnswer> {
    const outside = process.env
    process.env = { ...settings }
    const [out, err] = [hear(process.stdout), hear(process.stderr)]
    const exitCode = await runCommand(words).finally(() => {
      out.end()
      err.end()
      process.env = outside
    })
    return { exitCode, stdout: out.said(), stderr: err.said() }
  }
  const mandateJson = async <T>(words: string[]) => jsonOf<T>(words, await mandate([...words, '--json']))
  return { mandate, mandateJson }
}

function hear(stream: NodeJS.WriteStream) {
  const { write } = stream
  let said = ''
  stream.write = (text: string | Uint8Array) => {
    said += text
    return true
  }
  const end = () => {
    stream.write = write
  }
  return { said: () => said, end }
}
