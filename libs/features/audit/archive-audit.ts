import { Injectable } from '@nestjs/common'
import { digestOf, stateArchive } from '#domain/audit/audit-archive.js'
import { AuditArchives } from '#domain/audit/audit-archives.js'
import type { AuditEvent } from '#domain/audit/audit-event.js'
import { AuditMonths, type Month, monthOf } from '#domain/audit/audit-months.js'
import { CutChains } from '#domain/audit/cut-chains.js'
import { FindEvents } from '#domain/audit/find-events.js'
import { Clock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { conflict } from '#platform/errors/api-error.js'
import { invalidField } from '#platform/errors/validation-error.js'
import { failPoint } from '#platform/fail-points/fail-point.js'
import { Signer } from '#platform/secrets/signer.js'
import { ArchiveFile, type Line, makeDirectory } from './archive-file.js'
import { type ArchiveReading, type ChainPlace, readArchive, strayIn } from './read-archive.js'
import { VerifyAudit } from './verify-audit.js'

const PAGE = 1_000

export interface DueMonth {
  month: Month
  chains: number
  rows: number
  bytes: number
}

export interface ArchivedMonth {
  month: Month
  file: string
  lines: number
  sha256: string
}

interface Watcher {
  onProgress?: (what: string, rows: number, of: number) => void
  onArchived?: (month: ArchivedMonth) => void
}
type OnWritten = (rows: number) => void

/**
 * Lets the audit's oldest months go, one after the other: each is written to a file, read back and followed row by row,
 * signed, and only then dropped. Killed, it is run again: it goes on in the file that it finds.
 */
@Injectable()
export class ArchiveAudit {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly signer: Signer,
    private readonly months: AuditMonths,
    private readonly archives: AuditArchives,
    private readonly events: FindEvents,
    private readonly verifyAudit: VerifyAudit,
    private readonly chains: CutChains,
  ) {}

  /** What {@link archive} would let go of. @throws ValidationError */
  async *due(before: Month): AsyncGenerator<DueMonth> {
    const present = monthOf(this.clock.now())
    if (before > present)
      throw invalidField(
        'before',
        'errors.invalid',
        `must be ${present.slice(0, 7)} or earlier: a month leaves when it is over`,
      )
    const begins = new Map(await this.archives.beginnings())
    for (const { month, bytes } of await this.months.stored()) {
      if (month >= before) return
      const ends = await this.database.read((em) => this.months.endsIn(em, month))
      const rows = ends.reduce((sum, end) => sum + end.sequence - (begins.get(end.client_id)?.sequence ?? 0), 0)
      for (const { client_id, ...end } of ends) begins.set(client_id, { ...end, authenticity: 'genuine' })
      yield { month, chains: ends.length, rows, bytes }
    }
  }

  /** Ends with the first month that cannot leave; those before it have, and were told of. @throws ApiError, ValidationError */
  async archive(before: Month, directory: string, watcher: Watcher = {}): Promise<void> {
    await this.chains.refuseUnlessAllowed()
    await this.chains.alone(async () => {
      const due = await Array.fromAsync(this.due(before))
      if (due.length === 0) return
      await makeDirectory(directory).catch((error) => {
        throw invalidField('to', 'errors.unwritable', `the directory cannot be made (${error.code})`)
      })
      await this.#refuseUnlessWhole(watcher)
      for (const { month, rows } of due) {
        const onWritten: OnWritten = (written) => watcher.onProgress?.(month.slice(0, 7), written, rows)
        watcher.onArchived?.(await this.#archiveMonth(month, directory, onWritten))
      }
    })
  }

  /** Who signs what was tampered with makes it good. */
  async #refuseUnlessWhole({ onProgress }: Watcher): Promise<void> {
    for await (const { clientId, finding } of this.verifyAudit.verify({ onProgress }))
      if (finding)
        throw conflict(
          `The audit is not as it was written, and nothing of it was dropped. ${clientId}: row ${finding.sequence} was ${finding.tampering}. ${finding.explanation}`,
        )
  }

  async #archiveMonth(month: Month, directory: string, onWritten: OnWritten): Promise<ArchivedMonth> {
    const file = new ArchiveFile(directory, month)
    const before = await this.database.read((em) => this.archives.newest(em))
    const { lines, sha256, ends } = await this.#fill(file, month, onWritten)
    const statement = stateArchive({
      ...{ month, archived_at: this.clock.now().toISOString(), follows: before && digestOf(before.statement) },
      ...{ lines, sha256, chains: [...ends].map(([client_id, { sequence, hash }]) => ({ client_id, sequence, hash })) },
    })
    const signature = this.signer.sign(statement)
    await file.finish({ statement, signature }, this.signer.publicKey())
    failPoint('archive-audit.finished')
    await this.chains.cut({ month, statement, signature })
    return { month, file: file.path, lines, sha256 }
  }

  /** Reads what there is, adds what it lacks, and reads again: what comes back was read from the file, and lacks nothing. */
  async #fill(file: ArchiveFile, month: Month, onWritten: OnWritten): Promise<ArchiveReading> {
    // Before anything is changed in it: it may be another installation's.
    await this.#read(file, file.begun(), month)
    await file.takeUp()
    for (;;) {
      const { reading, ends } = await this.#read(file, file.rows(), month)
      const lacking = ends.filter(({ client_id, sequence }) => placeIn(reading, client_id) < sequence)
      if (lacking.length === 0) return reading
      let rows = reading.lines
      for (const { client_id } of lacking)
        for await (const page of this.#rowsOf(month, client_id, placeIn(reading, client_id))) {
          await file.append(page.map((event) => JSON.stringify(event)))
          failPoint('archive-audit.written')
          rows += page.length
          onWritten(rows)
        }
    }
  }

  /** And where its chains end in the database, which is where they end in the file, or further on. @throws ApiError */
  async #read(file: ArchiveFile, lines: AsyncIterable<Line>, month: Month) {
    const begins = await this.archives.beginnings()
    const reading = await readArchive(lines, begins)
    const ends = await this.database.read((em) => this.months.endsIn(em, month))
    const here = new Map<string, ChainPlace>(begins)
    for (const end of ends) here.set(end.client_id, end)
    const problem = reading.problem ?? strayIn(reading, here)
    if (!problem) return { reading, ends }
    throw conflict(
      `${file.name} (or its .part) does not hold what it should, and nothing was dropped. ${problem} Move it away.`,
    )
  }

  async *#rowsOf(month: Month, clientId: string, after: number): AsyncGenerator<AuditEvent[]> {
    for (let sequence = after; ; ) {
      const page = await this.events.findOfMonth(month, { clientId, sequence }, PAGE)
      if (page.length > 0) yield page
      if (page.length < PAGE) return
      sequence = page.at(-1)!.sequence
    }
  }
}

const placeIn = ({ ends }: ArchiveReading, clientId: string) => ends.get(clientId)?.sequence ?? 0
