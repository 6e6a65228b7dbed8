import { Injectable } from '@nestjs/common'
import { Database, type Em } from '#platform/database/database.js'
import { Signer } from '#platform/secrets/signer.js'
import { AT_THE_FIRST, type Beginning, type Beginnings } from './audit-archives.js'
import { type AuditEvent, OPERATOR_CHAIN } from './audit-event.js'
import { type AuditHead, checkHead, HEAD_COLUMNS } from './audit-head.js'
import { earliestMonthOf } from './audit-months.js'
import { EVENT_COLUMNS, hashOfEvent } from './canonical-form.js'
import { ChainArrivals } from './chain-arrivals.js'

type Tampering = 'edited' | 'deleted' | 'reordered' | 'cut off' | 'planted' | 'forged'

/** The first row that is not as it was written. */
export interface Finding {
  tampering: Tampering
  sequence: number
  explanation: string
}

export interface Verification {
  clientId: string
  /** Rows that are as they were written: up to this place in the chain, without those that have left for an archive. */
  rows: number
  /** Those. */
  archived: number
  finding: Finding | null
}

/** Bounds what is in memory. */
const PAGE = 1_000

type StoredEvent = AuditEvent & { month: string }

/** Follows chains from where they begin to their head. */
@Injectable()
export class VerifyChain {
  constructor(
    private readonly database: Database,
    private readonly signer: Signer,
    private readonly arrivals: ChainArrivals,
  ) {}

  /** Every chain there is, and every chain that the operator's, or what was archived, says there was. */
  async chains(beginnings: Beginnings = new Map()): Promise<string[]> {
    await this.arrivals.catchUp()
    const rows = await this.database.read((em) =>
      em.execute<{ client_id: string }[]>(
        `with recursive present as (
           select min(client_id) as client_id from audit_events
           union all
           select (select min(e.client_id) from audit_events e where e.client_id > p.client_id)
           from present p where p.client_id is not null
         )
         select client_id from present where client_id is not null
         union select client_id from audit_heads
         union select subject from audit_events where client_id = ? and act = 'audit.chain_begun' and subject is not null
         order by client_id`,
        [OPERATOR_CHAIN],
      ),
    )
    return [...new Set([...beginnings.keys(), ...rows.map(({ client_id }) => client_id)])].sort()
  }

  /**
   * @param begins where, if not with its first row
   * @param kept a head that was exported earlier: what was cut off together with its head is found by it alone
   * @param onProgress told after every page how many rows of how many were followed
   */
  async verify(
    clientId: string,
    {
      begins = AT_THE_FIRST,
      kept,
      onProgress,
    }: { begins?: Beginning; kept?: AuditHead; onProgress?: (rows: number, of: number) => void } = {},
  ): Promise<Verification> {
    const archived = begins.sequence
    const found = (upTo: number, tampering: Tampering, sequence: number, explanation: string): Verification => ({
      ...{ clientId, rows: Math.max(0, upTo - archived), archived },
      finding: { tampering, sequence, explanation },
    })
    if (begins.authenticity !== 'genuine')
      return found(0, 'forged', archived + 1, `The signature of where the chain begins is ${begins.authenticity}.`)
    if (kept) {
      const authenticity = checkHead(this.signer, kept)
      if (authenticity !== 'genuine')
        return found(0, 'forged', kept.sequence, `The signature of the kept head is ${authenticity}.`)
    }
    const { head, newest } = await this.#ends(clientId)
    if (!head) return found(0, 'cut off', 1, newest ? 'The head is gone.' : 'The whole chain is gone.')
    const authenticity = checkHead(this.signer, head)
    if (authenticity !== 'genuine')
      return found(0, 'forged', head.sequence, `The signature of the head is ${authenticity}.`)

    if (kept?.sequence === archived && kept.hash !== begins.hash)
      return found(0, 'edited', archived, 'The kept head was signed for another row than the chain goes on from.')

    let [rows, previous] = [archived, begins.hash]
    for await (const event of this.#events(clientId)) {
      const sequence = rows + 1
      if (event.sequence < sequence) return found(rows, 'planted', event.sequence, 'A row stands before the first.')
      if (sequence > head.sequence && sequence > newest)
        // Chained since we asked for the head.
        break
      if (sequence > head.sequence)
        return found(rows, 'planted', sequence, 'A row stands behind the one that the head was signed for.')
      const finding = await this.#compare(event, sequence, previous)
      if (finding) return found(rows, finding.tampering, finding.sequence, finding.explanation)
      if (kept?.sequence === sequence && kept.hash !== event.hash)
        return found(rows, 'edited', sequence, 'The kept head was signed for another row at this place.')
      previous = event.hash
      rows = sequence
      if (rows % PAGE === 0) onProgress?.(rows - archived, head.sequence - archived)
    }
    onProgress?.(rows - archived, head.sequence - archived)
    if (rows < head.sequence) return found(rows, 'cut off', rows + 1, `The head was signed for ${head.sequence} rows.`)
    if (previous !== head.hash)
      return found(rows, 'edited', rows, 'Rows up to this one were computed anew: the head was signed for another.')
    if (kept && kept.sequence > rows)
      return found(rows, 'cut off', rows + 1, `The kept head was signed for ${kept.sequence} rows.`)
    return { clientId, rows: rows - archived, archived, finding: null }
  }

  /** Both at one moment. */
  async #ends(clientId: string): Promise<{ head: AuditHead | null; newest: number }> {
    const [row] = await this.database.read((em) =>
      em.execute<[{ head: AuditHead | null; newest: number | null }]>(
        `select (select to_jsonb(h) from (select ${HEAD_COLUMNS} from audit_heads where client_id = ?) h) as head,
           (select max(sequence)::float8 from audit_events where client_id = ?) as newest`,
        [clientId, clientId],
      ),
    )
    return { head: row.head, newest: row.newest ?? 0 }
  }

  async *#events(clientId: string): AsyncGenerator<StoredEvent> {
    let [after, month] = [Number.MIN_SAFE_INTEGER, '-infinity']
    for (let page: StoredEvent[] = []; ; ) {
      page = await this.database.read((em) => this.#page(em, clientId, after, month))
      yield* page
      if (page.length < PAGE) return
      const last = page.at(-1)!
      after = last.sequence
      month = last.month
    }
  }

  /** By sequence and month: a number that is there twice, which no key over all months rules out, must not lie between two pages. */
  #page(em: Em, clientId: string, after: number, month: string): Promise<StoredEvent[]> {
    return em.execute<StoredEvent[]>(
      `select ${EVENT_COLUMNS}, month::text as month from audit_events
       where client_id = ? and (sequence, audit_events.month) > (?, ?::date)
       order by audit_events.sequence, audit_events.month limit ?`,
      [clientId, after, month, PAGE],
    )
  }

  async #compare(event: StoredEvent, sequence: number, previous: string): Promise<Finding | null> {
    if (event.sequence > sequence)
      return { tampering: 'deleted', sequence, explanation: `The next row is ${event.sequence}.` }
    const isWhole = hashOfEvent(event) === event.hash
    if (isWhole && event.previous === previous) return this.#misplaced(event)
    const elsewhere = await this.#follower(event.client_id, previous, sequence)
    if (elsewhere !== null)
      return { tampering: 'reordered', sequence, explanation: `The row that belongs here stands at ${elsewhere}.` }
    if (!isWhole) return { tampering: 'edited', sequence, explanation: 'Its content does not fit its hash.' }
    return {
      tampering: 'edited',
      sequence: Math.max(1, sequence - 1),
      explanation: 'It was computed anew: the row behind it was written after another.',
    }
  }

  /** Lists of a time begin with its month, so no row may lie in one that was over when the act was done. */
  #misplaced({ month, at, sequence }: StoredEvent): Finding | null {
    if (month >= earliestMonthOf(new Date(at))) return null
    return {
      tampering: 'reordered',
      sequence,
      explanation: `It lies in a month that was over then: ${month.slice(0, 7)}.`,
    }
  }

  /** Where the row is now that was written after the one with this hash. Looked for once, when something is wrong. */
  async #follower(clientId: string, previous: string, notAt: number): Promise<number | null> {
    const [row] = await this.database.read((em) =>
      em.execute<{ sequence: number }[]>(
        `select sequence::float8 as sequence from audit_events where client_id = ? and previous = ? and sequence <> ?
         order by sequence limit 1`,
        [clientId, previous, notAt],
      ),
    )
    return row?.sequence ?? null
  }
}
