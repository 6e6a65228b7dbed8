import { createReadStream, existsSync } from 'node:fs'
import { type FileHandle, mkdir, open, rename, truncate } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { SignedStatement } from '#domain/audit/audit-archive.js'

/** Longer lines are not read: whoever can write such a file could fill our memory. */
const LONGEST_LINE = 64 * 1024 * 1024
const LINE_END = 10
/** How the last line begins, and no row does. */
const SIGNED = Buffer.from('{"archive":')

/** Whose mailbox was read when, and by whom, is in it. */
const FOR_THE_OPERATOR = 0o600

const archiveNameOf = (month: string) => `audit-${month.slice(0, 7)}.ndjson`

/**
 * One month of the audit: a line of JSON for each row, those of a chain in its order, and what was signed about them as
 * the last. Until that stands there, the file has another name.
 */
export class ArchiveFile {
  readonly name: string
  readonly path: string
  readonly #part: string

  constructor(
    private readonly directory: string,
    month: string,
  ) {
    this.name = archiveNameOf(month)
    this.path = join(directory, this.name)
    this.#part = `${this.path}.part`
  }

  /** What an earlier run has written, of a month that it finished or not. */
  async *begun(): AsyncGenerator<Line> {
    const path = [this.path, this.#part].find(existsSync)
    if (path) yield* rowsOf(path)
  }

  /** To go on behind its last whole row. */
  async takeUp(): Promise<void> {
    await rename(this.path, this.#part).catch(unlessMissing)
    await (await open(this.#part, 'a', FOR_THE_OPERATOR)).close()
    let rows = 0
    for await (const { end } of rowsOf(this.#part)) rows = end
    await truncate(this.#part, rows)
  }

  /** @param lines without their ends */
  async append(lines: readonly string[]): Promise<void> {
    if (lines.length > 0) await this.#write(`${lines.join('\n')}\n`)
  }

  /** The rows that are written, to be read back. */
  rows(): AsyncGenerator<Line> {
    return rowsOf(this.#part)
  }

  /** Comes back when all of it is on the disk, under its name. */
  async finish(signed: Omit<SignedStatement, 'month'>, publicKey: string): Promise<void> {
    const { statement, signature } = signed
    await this.#write(`${JSON.stringify({ archive: { statement, signature, public_key: publicKey } })}\n`)
    await onDisk(this.#part)
    await rename(this.#part, this.path)
    await onDisk(this.directory)
  }

  async #write(text: string): Promise<void> {
    const file = await open(this.#part, 'a')
    await file.appendFile(text).finally(() => file.close())
  }
}

export interface Line {
  /** With its end. */
  bytes: Buffer
  /** Where it ends in the file. */
  end: number
}

/** Whole lines: what has no end yet is left out. @throws RangeError */
export async function* linesOf(path: string): AsyncGenerator<Line> {
  let [rest, end] = [Buffer.alloc(0), 0]
  for await (const chunk of createReadStream(path)) {
    const bytes = Buffer.concat([rest, chunk as Buffer])
    let from = 0
    for (let at = bytes.indexOf(LINE_END); at >= 0; at = bytes.indexOf(LINE_END, from)) {
      const line = bytes.subarray(from, at + 1)
      end += line.length
      from = at + 1
      yield { bytes: line, end }
    }
    rest = bytes.subarray(from)
    if (rest.length > LONGEST_LINE) throw new RangeError('It has a line that is longer than 64 MiB.')
  }
}

/** Up to what was signed about them. */
async function* rowsOf(path: string): AsyncGenerator<Line> {
  for await (const line of linesOf(path)) {
    if (line.bytes.subarray(0, SIGNED.length).equals(SIGNED)) return
    yield line
  }
}

/** On the disk with all that leads to it: what lies in a directory that is lost is lost, too. */
export async function makeDirectory(named: string): Promise<void> {
  const path = resolve(named)
  const first = await mkdir(path, { recursive: true, mode: 0o700 })
  if (first === undefined) return
  for (let made = path; made.length >= first.length; made = dirname(made)) await onDisk(dirname(made))
}

async function onDisk(path: string): Promise<void> {
  let file: FileHandle | undefined
  try {
    file = await open(path, 'r')
    await file.sync()
  } finally {
    await file?.close()
  }
}

function unlessMissing(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
}
