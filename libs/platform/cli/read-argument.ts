import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { invalidField } from '#platform/errors/validation-error.js'

/**
 * A secret as it stands on the command line, where `ps` and the shell's history keep it; better from `@file`, or from
 * `-`, standard input.
 * @param field as `/admin/v1` calls it
 */
export async function readSecretArgument(field: string, argument: string | undefined): Promise<string | undefined> {
  if (argument === undefined) return undefined
  if (argument !== '-' && !argument.startsWith('@')) return argument
  return (await readFileArgument(field, argument.replace(/^@/, ''))).trim()
}

/** @param path a file, or `-` @param encoding `base64` for what is no text */
export async function readFileArgument(
  field: string,
  path: string,
  encoding: 'utf8' | 'base64' = 'utf8',
): Promise<string> {
  try {
    return (path === '-' ? await buffer(process.stdin) : await readFile(path)).toString(encoding)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw invalidField(field, 'errors.unreadable', `the file ${path} cannot be read (${code})`)
  }
}
