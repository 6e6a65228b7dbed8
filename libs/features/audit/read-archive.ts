import { createHash } from 'node:crypto'
import type { SignedStatement } from '#domain/audit/audit-archive.js'
import { AT_THE_FIRST } from '#domain/audit/audit-archives.js'
import type { AuditEvent } from '#domain/audit/audit-event.js'
import type { AuditHead } from '#domain/audit/audit-head.js'
import { hashOfEvent } from '#domain/audit/canonical-form.js'

export interface ChainPlace {
  sequence: number
  hash: string
}

export interface ArchiveReading {
  /** Rows. */
  lines: number
  sha256: string
  /** Where each chain is behind the last of them. */
  ends: Map<string, ChainPlace>
  /** From the last line; null where none is signed yet. */
  signed: Omit<SignedStatement, 'month'> | null
  /** The first row that is not as it was written. */
  problem: string | null
}

/**
 * Follows the chains through the rows of one month, whatever it is told about them elsewhere.
 * @param begins where the archives before it end
 * @param kept heads that were exported earlier
 */
export async function readArchive(
  lines: AsyncIterable<{ bytes: Buffer }>,
  begins: ReadonlyMap<string, ChainPlace>,
  kept: readonly AuditHead[] = [],
): Promise<ArchiveReading> {
  const ends = new Map(begins)
  const heads = new Map(kept.map((head) => [head.client_id, head]))
  const digest = createHash('sha256')
  const reading: ArchiveReading = { lines: 0, sha256: '', ends, signed: null, problem: null }
  for await (const { bytes } of lines) {
    const line = parsed(bytes)
    if (reading.signed) return { ...reading, problem: 'It goes on behind the line that is signed.' }
    if (line?.archive) {
      reading.signed = line.archive
      continue
    }
    digest.update(bytes)
    reading.lines += 1
    const problem = line ? problemOf(line, ends, heads) : 'It is no JSON.'
    if (problem) return { ...reading, problem: `Line ${reading.lines}: ${problem}` }
    ends.set(line!.client_id, { sequence: line!.sequence, hash: line!.hash })
  }
  return { ...reading, sha256: digest.digest('hex') }
}

/**
 * Whoever can write to the file can compute hashes: a chain that the database does not have must not come to be signed for.
 * @param here where the chains end in the database
 */
export function strayIn({ ends }: ArchiveReading, here: ReadonlyMap<string, ChainPlace>): string | null {
  for (const [client, { sequence, hash }] of ends) {
    const end = here.get(client)
    if (!end || sequence > end.sequence || (sequence === end.sequence && hash !== end.hash))
      return `Row ${sequence} of ${client} is not in the database.`
  }
  return null
}

type ArchiveLine = AuditEvent & { archive?: Omit<SignedStatement, 'month'> }

function parsed(bytes: Buffer): ArchiveLine | null {
  try {
    return JSON.parse(bytes.toString())
  } catch {
    return null
  }
}

function problemOf(event: AuditEvent, ends: ReadonlyMap<string, ChainPlace>, heads: ReadonlyMap<string, AuditHead>) {
  const { sequence, hash } = ends.get(event.client_id) ?? AT_THE_FIRST
  const kept = heads.get(event.client_id)
  if (event.sequence !== sequence + 1) return `row ${sequence + 1} of ${event.client_id} belongs here.`
  const name = `row ${event.sequence} of ${event.client_id}`
  if (hashOfEvent(event) !== event.hash) return `${name} was edited: its content does not fit its hash.`
  if (event.previous !== hash) return `${name} was written after another row than the one before it.`
  if (kept?.sequence === event.sequence && kept.hash !== event.hash)
    return `${name} is another than the one that the kept head was signed for.`
  return null
}
