import { mandateCommand } from './mandate.command.js'
import { exitCodeOf, reportFailure } from './report-failure.js'

/** Does what was typed behind `mandate`. @returns the exit code, after what went wrong was said */
export async function runCommand(words: string[]): Promise<number> {
  const json = words.includes('--json')
  try {
    await mandateCommand(json).parseAsync(words, { from: 'user' })
    // A command that finds something wrong, which is no failure of its own, has said so there.
    return Number(process.exitCode ?? 0)
  } catch (error) {
    reportFailure(error, json)
    return exitCodeOf(error)
  }
}
