import { Injectable } from '@nestjs/common'
import { checkStatement, digestOf, readStatement, type SignedStatement } from '#domain/audit/audit-archive.js'
import { AuditArchives } from '#domain/audit/audit-archives.js'
import type { AuditHead } from '#domain/audit/audit-head.js'
import { Signer } from '#platform/secrets/signer.js'
import { ArchiveFile, linesOf } from './archive-file.js'
import { type ArchiveReading, readArchive } from './read-archive.js'

export interface ArchiveVerification {
  archive: string
  /** That are as they were written. */
  lines: number
  problem: string | null
}

/**
 * Follows every chain through the files that it has left for, from its first row to the place that is signed for in the
 * database, where `VerifyAudit` goes on. What proves a file is that: no row of it can be another without the last hash
 * being another, too.
 */
@Injectable()
export class VerifyArchives {
  constructor(
    private readonly archives: AuditArchives,
    private readonly signer: Signer,
  ) {}

  /** The oldest first; each from where the one before is said to end, so that every file that is not whole is named. */
  async *verify(directory: string, kept: readonly AuditHead[] = []): AsyncGenerator<ArchiveVerification> {
    let before: SignedStatement | null = null
    for await (const archived of this.archives.all()) {
      const { name: archive, path } = new ArchiveFile(directory, archived.month)
      const begins = new Map((before ? readStatement(before.statement)?.chains : [])?.map((c) => [c.client_id, c]))
      try {
        const reading = await readArchive(linesOf(path), begins, kept)
        const problem = this.#problemOf(reading, archived, before)
        yield { archive, lines: reading.problem ? reading.lines - 1 : reading.lines, problem }
      } catch (error) {
        yield { archive, lines: 0, problem: whyUnreadable(error) }
      }
      before = archived
    }
  }

  #problemOf(reading: ArchiveReading, archived: SignedStatement, before: SignedStatement | null): string | null {
    if (reading.problem) return reading.problem
    const authenticity = checkStatement(this.signer, archived)
    if (authenticity !== 'genuine') return `What the database says of it has a signature that is ${authenticity}.`
    const { follows, lines, sha256, chains } = readStatement(archived.statement)!
    if (follows !== (before && digestOf(before.statement)))
      return 'What the database says of the one before is missing.'
    if (reading.signed?.statement !== archived.statement) return 'It does not end with what the database says of it.'
    // Its key may have been taken away since; what the database says is signed anew then.
    if (checkStatement(this.signer, reading.signed) === 'forged') return 'The signature in it is forged.'
    if (lines !== reading.lines || sha256 !== reading.sha256) return 'It does not have the lines that were signed for.'
    const said = chains.every(({ client_id, sequence, hash }) => {
      const end = reading.ends.get(client_id)
      return end?.sequence === sequence && end.hash === hash
    })
    return said && chains.length === reading.ends.size ? null : 'Its chains do not end where the signed line says.'
  }
}

function whyUnreadable(error: unknown): string {
  if (error instanceof RangeError) return error.message
  return `It cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'}).`
}
