import { Injectable } from '@nestjs/common'
import { Database, type Em } from '#platform/database/database.js'
import { Signer } from '#platform/secrets/signer.js'
import { type AuditEvent, OPERATOR_CHAIN } from './audit-event.js'
import { type AuditHead, checkHead, HEAD_COLUMNS } from './audit-head.js'
import { BEFORE_ALL, EVENT_COLUMNS, hashOfEvent } from './canonical-form.js'
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
  /** Rows that are as they were written. */
  rows: number
  finding: Finding | null
}

/** Bounds what is in memory. */
const PAGE = 1_000

/** Follows chains from their first row to their head. */
@Injectable()
export class VerifyChain {
  constructor(
    private readonly database: Database,
    private readonly signer: Signer,
    private readonly arrivals: ChainArrivals,
  ) {}

  /** Every chain there is, and every chain that the operator's says there was. */
  async chains(): Promise<string[]> {
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
    return rows.map(({ client_id }) => client_id)
  }

  /**
   * @param kept a head that was exported earlier: what was cut off together with its head is found by it alone
   * @param onProgress told after every page how many rows of how many were followed
   */
  async verify(
    clientId: string,
    { kept, onProgress }: { kept?: AuditHead; onProgress?: (rows: number, of: number) => void } = {},
  ): Promise<Verification> {
    const found = (rows: number, tampering: Tampering, sequence: number, explanation: string): Verification => ({
      clientId,
      rows,
      finding: { tampering, sequence, explanation },
    })
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

    let [rows, previous] = [0, BEFORE_ALL]
    for await (const event of this.#events(clientId)) {
      const sequence = rows + 1
      if (event.sequence < sequence) return found(rows, 'planted', event.sequence, 'A row stands before the first.')
      if (sequence > head.sequence && sequence > newest)
        // Chained since we asked for the head.
        break
      if (sequence > head.sequence)
        return found(rows, 'planted', sequence, 'A row stands behind the one that the head was signed for.')
      const finding = await this.#compare(event, sequence, previous)
      if (finding) return { clientId, rows, finding }
      if (kept?.sequence === sequence && kept.hash !== event.hash)
        return found(rows, 'edited', sequence, 'The kept head was signed for another row at this place.')
      previous = event.hash
      rows = sequence
      if (rows % PAGE === 0) onProgress?.(rows, head.sequence)
    }
    onProgress?.(rows, head.sequence)
    if (rows < head.sequence) return found(rows, 'cut off', rows + 1, `The head was signed for ${head.sequence} rows.`)
    if (previous !== head.hash)
      return found(rows, 'edited', rows, 'Rows up to this one were computed anew: the head was signed for another.')
    if (kept && kept.sequence > rows)
      return found(rows, 'cut off', rows + 1, `The kept head was signed for ${kept.sequence} rows.`)
    return { clientId, rows, finding: null }
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

  async *#events(clientId: string): AsyncGenerator<AuditEvent> {
    let after = Number.MIN_SAFE_INTEGER
    for (let page: AuditEvent[] = []; ; ) {
      page = await this.database.read((em) => this.#page(em, clientId, after))
      yield* page
      if (page.length < PAGE) return
      after = page.at(-1)!.sequence
    }
  }

  #page(em: Em, clientId: string, after: number): Promise<AuditEvent[]> {
    return em.execute<AuditEvent[]>(
      `select ${EVENT_COLUMNS} from audit_events where client_id = ? and sequence > ?
       order by audit_events.sequence limit ?`,
      [clientId, after, PAGE],
    )
  }

  async #compare(event: AuditEvent, sequence: number, previous: string): Promise<Finding | null> {
    if (event.sequence > sequence)
      return { tampering: 'deleted', sequence, explanation: `The next row is ${event.sequence}.` }
    const isWhole = hashOfEvent(event) === event.hash
    if (isWhole && event.previous === previous) return null
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
