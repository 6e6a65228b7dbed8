import { createReadStream } from 'node:fs'
import { type FileHandle, open, rename, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import type { SignedStatement } from '#domain/audit/audit-archive.js'

/** Longer lines are not read: whoever can write such a file could fill our memory. */
const LONGEST_LINE = 64 * 1024 * 1024
const LINE_END = 10
/** How the last line begins, and no row does. */
const SIGNED = Buffer.from('{"archive":')

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

  /** Opens what an earlier run has begun, or finished for a month that has not left yet: its whole rows are kept. */
  async reopen(): Promise<void> {
    await rename(this.path, this.#part).catch(unlessMissing)
    await (await open(this.#part, 'a')).close()
    let rows = 0
    for await (const { bytes, end } of linesOf(this.#part)) {
      if (bytes.subarray(0, SIGNED.length).equals(SIGNED)) break
      rows = end
    }
    await truncate(this.#part, rows)
  }

  /** @param lines without their ends */
  async append(lines: readonly string[]): Promise<void> {
    if (lines.length > 0) await this.#write(`${lines.join('\n')}\n`)
  }

  /** The rows that are written, to be read back. */
  rows(): AsyncGenerator<Line> {
    return linesOf(this.#part)
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

interface Line {
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
