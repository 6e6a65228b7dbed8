import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

/** Compiled, as an operator has it; `npm test` builds it first. */
export const CLI = join(import.meta.dirname, '../../dist/apps/cli/main.js')

export interface CliAnswer {
  exitCode: number
  stdout: string
  stderr: string
}

/** One run of `mandate …` in a process of its own, with these settings and no others. */
export async function mandate(words: string[], settings: Record<string, string> = {}, stdin = ''): Promise<CliAnswer> {
  const child = spawn(process.execPath, [CLI, ...words], { env: settings })
  child.stdin.end(stdin)
  const [stdout, stderr, [exitCode]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  return { exitCode, stdout, stderr }
}

/** The same with `--json`. @throws with what it said, unless it ends well with exactly one JSON object and says nothing else */
export async function mandateJson<T>(words: string[], settings: Record<string, string>, stdin?: string): Promise<T> {
  return jsonOf<T>(words, await mandate([...words, '--json'], settings, stdin))
}

export function jsonOf<T>(words: string[], { exitCode, stdout, stderr }: CliAnswer): T {
  if (exitCode !== 0 || stderr !== '' || !/^\{.*\}\n$/.test(stdout))
    throw new Error(`mandate ${words.slice(0, 3).join(' ')} ended with ${exitCode}:\n${stderr}${stdout}`)
  return JSON.parse(stdout)
}
