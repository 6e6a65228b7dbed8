import { createHash } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { AuditArchives } from '#domain/audit/audit-archives.js'
import { OPERATOR_CHAIN } from '#domain/audit/audit-event.js'
import type { AuditHead } from '#domain/audit/audit-head.js'
import { ChainArrivals } from '#domain/audit/chain-arrivals.js'
import { FindEvents } from '#domain/audit/find-events.js'
import { recordAct } from '#domain/audit/record-act.js'
import { Clock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { Signer } from '#platform/secrets/signer.js'
import { type AuditSelection, ReadSelection } from './read-selection.js'

/** The last line: what was exported, and the heads of the chains that it is from. */
interface ExportSeal {
  exported_at: string
  /** What was done before then has left for an archive; null when nothing has. */
  complete_from: string | null
  /** What was done until then is in it. */
  complete_until: string
  selection: Record<string, string>
  lines: number
  /** Of all lines before this one, each with its line end. */
  sha256: string
  heads: AuditHead[]
  /** PEM, Ed25519: `signature` is over this object without it, as JSON. */
  public_key: string
  signature: string
}

const PAGE = 1_000

/** A part of the audit for somebody who has no access to it, so that they can tell when a line of it is changed. */
@Injectable()
export class ExportAudit {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly signer: Signer,
    private readonly arrivals: ChainArrivals,
    private readonly events: FindEvents,
    private readonly archives: AuditArchives,
    private readonly selections: ReadSelection,
  ) {}

  /** Lines of JSON: events, and the seal. */
  async *export(selection: AuditSelection): AsyncGenerator<string> {
    const named = textOf(selection)
    await this.#record(selection.client, named)
    const filter = await this.selections.filterFor(selection)
    const completeUntil = await this.arrivals.catchUp(filter.clientIds)
    const heads = await this.events.heads(filter.clientIds)
    const ends = new Map(heads.map(({ client_id, sequence }) => [client_id, sequence]))
    const digest = createHash('sha256')
    let lines = 0
    for await (const event of this.#eventsOf(filter)) {
      // Chained since the heads were taken.
      if (event.sequence > (ends.get(event.client_id) ?? 0)) continue
      const line = JSON.stringify(event)
      digest.update(`${line}\n`)
      lines += 1
      yield line
    }
    const sealed = {
      exported_at: this.clock.now().toISOString(),
      complete_from: await this.archives.completeFrom(),
      complete_until: completeUntil.toISOString(),
      ...{ selection: named, lines, sha256: digest.digest('hex'), heads, public_key: this.signer.publicKey() },
    }
    const seal: ExportSeal = { ...sealed, signature: this.signer.sign(JSON.stringify(sealed)) }
    yield JSON.stringify({ export: seal })
  }

  async *#eventsOf(filter: Parameters<FindEvents['find']>[0]) {
    let page = await this.events.find(filter, { limit: PAGE })
    while (page.length > 0) {
      yield* page
      const { client_id: clientId, sequence } = page.at(-1)!
      page = page.length < PAGE ? [] : await this.events.find(filter, { after: { clientId, sequence }, limit: PAGE })
    }
  }

  #record(client: string | undefined, details: Record<string, string>): Promise<void> {
    const clientId = client ?? OPERATOR_CHAIN
    return this.database.inTransaction((tx) =>
      recordAct(tx, { clientId, at: this.clock.now(), act: 'audit.exported', details }),
    )
  }
}

const textOf = (selection: AuditSelection) =>
  Object.fromEntries(
    Object.entries(selection)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, value instanceof Date ? value.toISOString() : String(value)]),
  )
