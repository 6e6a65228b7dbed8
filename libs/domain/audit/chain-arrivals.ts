import { Injectable } from '@nestjs/common'
import { Clock } from '#platform/clock/clock.js'
import { Database, type Tx } from '#platform/database/database.js'
import { defineStatement } from '#platform/database/statement.js'
import { BrokerError } from '#platform/errors/broker-error.js'
import { Log } from '#platform/observability/log.js'
import { Signer } from '#platform/secrets/signer.js'
import { AT_THE_FIRST, AuditArchives } from './audit-archives.js'
import { type AuditEvent, OPERATOR_CHAIN } from './audit-event.js'
import { type AuditHead, checkHead, HEAD_COLUMNS, signHead } from './audit-head.js'
import { AuditMonths, monthOf, NO_MONTH } from './audit-months.js'
import { BEFORE_ALL, EVENT_TIME, hashOfEvent, VERSION } from './canonical-form.js'
import { ACT_COLUMNS, recordAct } from './record-act.js'

/** Bounds one transaction, and what is in memory. */
const BATCH = 500
/** What a reader waits for; the rest is the timer's. */
const BATCHES_TO_CATCH_UP = 8

type Arrival = Omit<AuditEvent, 'sequence' | 'version' | 'previous' | 'hash'> & { id: string }
/** With where its newest row lies: in this month, and in none before it. */
type StoredHead = AuditHead & { month: string }
interface Link {
  id: string
  sequence: number
  previous: string
  hash: string
}

/** Values: whose. */
const FIRST_WAITING = defineStatement<{ at: Date | null }>(
  'first-waiting-arrival',
  `select min(first.at) as at from unnest($1::text[]) as c (client_id)
   cross join lateral (select at from audit_arrivals a where a.client_id = c.client_id order by a.id limit 1) first`,
)

/**
 * The next of one client, in their order. Nobody has counted a table that is always being emptied, and for `client_id = …`
 * alone PostgreSQL would take a backlog for a few rows, and sort all of it for each batch. From a client on, there is much
 * for all that it knows, and it follows the index. Values: client, rows at most, client.
 */
const FIRST_ARRIVALS = `select id::text as id, ${ACT_COLUMNS.map((column) => (column === 'at' ? `${EVENT_TIME} as at` : column)).join(', ')}
  from (select * from audit_arrivals where client_id >= ? order by client_id, id limit ?) first
  where client_id = ? order by first.id`

/** A chain that does not end where its head says must not be signed any further: that would make good what was done to it. */
class ChainBroken extends BrokerError {
  constructor(detail: string) {
    super({ code: 'audit.chain_broken', status: 500, publicText: 'The audit is not as it was written.', detail })
  }
}

/**
 * Gives what has arrived its place in the chain of its client. Places go by who is there, and not by number: a row that
 * commits late is found all the same, and gets a later one. Any process may do it at any time; per client one does.
 */
@Injectable()
export class ChainArrivals {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly signer: Signer,
    private readonly log: Log,
    private readonly months: AuditMonths,
    private readonly archives: AuditArchives,
  ) {}

  /**
   * Everything that has arrived. Chains that another process is busy with are left to it.
   * @param stopping ends it after the batch in hand
   * @returns how many rows got their place
   */
  async chain(stopping?: AbortSignal): Promise<number> {
    await this.months.make()
    let chained = 0
    for (const clientId of await this.#waiting()) {
      await this.#unlessBroken(clientId, async () => {
        for (let rows = BATCH; rows === BATCH && !stopping?.aborted; chained += rows)
          rows = await this.#chainBatch(clientId)
      })
    }
    return chained
  }

  /**
   * For whoever wants to read what happened this second: some batches, and no more however much is waiting.
   * @param clientIds whose chains are going to be read; left out: all
   * @returns the time until which every act is in its chain
   */
  async catchUp(clientIds?: readonly string[]): Promise<Date> {
    await this.months.make()
    const now = this.clock.now()
    const wanted = (await this.#waiting()).filter((clientId) => clientIds?.includes(clientId) ?? true)
    let batches = BATCHES_TO_CATCH_UP
    for (const clientId of wanted)
      await this.#unlessBroken(clientId, async () => {
        for (let rows = BATCH; rows === BATCH && batches > 0; batches -= 1) rows = await this.#chainBatch(clientId)
      })
    return (await this.#firstWaiting(wanted)) ?? now
  }

  async #firstWaiting(clientIds: readonly string[]): Promise<Date | null> {
    const [row] = await this.database.run(FIRST_WAITING, [clientIds])
    return row?.at ?? null
  }

  /** Signs with the newest key what an older one signed, so that the older one can be taken away. */
  async renewSignatures(): Promise<void> {
    await this.archives.renewSignatures()
    // Broken chains keep their old signature: who follows the order comes past them.
    for (let [after, left] = ['', BATCH]; left === BATCH; ) {
      const old = await this.#signedByOlder(after)
      for (const clientId of old) await this.#unlessBroken(clientId, () => this.#signAnew(clientId))
      left = old.length
      after = old.at(-1) ?? after
    }
  }

  async #signedByOlder(after: string): Promise<string[]> {
    const rows = await this.database.read((em) =>
      em.execute<{ client_id: string }[]>(
        `select client_id from audit_heads where client_id > ? and not starts_with(signature, ?)
         order by client_id limit ?`,
        [after, `v1.${this.signer.keyId}.`, BATCH],
      ),
    )
    return rows.map(({ client_id }) => client_id)
  }

  #signAnew(clientId: string): Promise<void> {
    return this.database.inTransaction(async (tx) => {
      const head = await this.#takeHead(tx, clientId)
      if (head) await this.#moveHead(tx, head)
    })
  }

  /** One client's trouble is not the others'. */
  async #unlessBroken(clientId: string, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.log.failure('audit.not_chained', error, clientId === OPERATOR_CHAIN ? {} : { client: clientId })
    }
  }

  /** One index probe per client, however much each has waiting. */
  #waiting(): Promise<string[]> {
    return this.database.read(async (em) => {
      const rows = await em.execute<{ client_id: string }[]>(
        `with recursive waiting as (
           select min(client_id) as client_id from audit_arrivals
           union all
           select (select min(a.client_id) from audit_arrivals a where a.client_id > w.client_id)
           from waiting w where w.client_id is not null
         ) select client_id from waiting where client_id is not null`,
      )
      return rows.map(({ client_id }) => client_id)
    })
  }

  #chainBatch(clientId: string): Promise<number> {
    return this.database.inTransaction(async (tx) => {
      const head = (await this.#takeHead(tx, clientId)) ?? (await this.#begin(tx, clientId))
      if (!head) return 0
      const arrivals = await tx.execute<Arrival[]>(FIRST_ARRIVALS, [clientId, BATCH, clientId])
      if (arrivals.length === 0) return 0
      const links = linksAfter(head, arrivals)
      // The months of a chain follow one another, however the clocks of several processes do.
      const month = [monthOf(this.clock.now()), head.month].sort().at(-1)!
      await this.#enter(tx, clientId, month, links)
      await this.#moveHead(tx, { client_id: clientId, month, ...links.at(-1)! })
      return arrivals.length
    })
  }

  /**
   * Null when another process holds it, or there is none yet.
   * @throws ChainBroken
   */
  async #takeHead(tx: Tx, clientId: string): Promise<StoredHead | null> {
    const [head] = await tx.execute<StoredHead[]>(
      `select ${HEAD_COLUMNS}, month::text as month from audit_heads where client_id = ? for update skip locked`,
      [clientId],
    )
    if (!head) return null
    const authenticity = checkHead(this.signer, head)
    if (authenticity !== 'genuine') throw new ChainBroken(`the signature of the head is ${authenticity}`)
    const [newest] = await tx.execute<{ sequence: number; hash: string }[]>(
      // The plain name would be the cast, which no index is in the order of.
      `select sequence::float8 as sequence, hash from audit_events where client_id = ? and month >= ?
       order by audit_events.sequence desc limit 1`,
      [clientId, head.month],
    )
    const { sequence, hash } = newest ?? (await this.#beginningOf(tx, clientId))
    if (sequence !== head.sequence || hash !== head.hash)
      throw new ChainBroken(`the newest row is not the one that the head was signed for (${head.sequence})`)
    return head
  }

  /** Asked for where no row of the chain is here. @throws ChainBroken */
  async #beginningOf(tx: Tx, clientId: string) {
    const beginning = (await this.archives.beginnings(tx)).get(clientId) ?? AT_THE_FIRST
    if (beginning.authenticity === 'genuine') return beginning
    throw new ChainBroken(`the signature of where the chain begins is ${beginning.authenticity}`)
  }

  /** A head before any row. The operator's chain is told, so that a whole chain cannot vanish. Null: another began it. */
  async #begin(tx: Tx, clientId: string): Promise<StoredHead | null> {
    const head = signHead(this.signer, { client_id: clientId, sequence: 0, hash: BEFORE_ALL, at: this.clock.now() })
    const begun = await tx.execute<unknown[]>(
      `insert into audit_heads (client_id, sequence, hash, signed_at, signature) values (?, ?, ?, ?, ?)
       on conflict do nothing returning 1`,
      [head.client_id, head.sequence, head.hash, head.signed_at, head.signature],
    )
    if (begun.length === 0) return null
    const [orphan] = await tx.execute('select 1 from audit_events where client_id = ? limit 1', [clientId])
    if (orphan || (await this.#beginningOf(tx, clientId)).sequence > 0)
      throw new ChainBroken('there are rows, or were, and their head is gone')
    if (clientId !== OPERATOR_CHAIN)
      await recordAct(tx, {
        clientId: OPERATOR_CHAIN,
        at: this.clock.now(),
        act: 'audit.chain_begun',
        subject: clientId,
      })
    return { ...head, month: NO_MONTH }
  }

  async #enter(tx: Tx, clientId: string, month: string, links: Link[]): Promise<void> {
    const columns = ACT_COLUMNS.join(', ')
    await tx.execute(
      `with link as (
         select * from jsonb_to_recordset(?::jsonb) as l (id bigint, sequence bigint, previous text, hash text)
       ), arrived as (
         delete from audit_arrivals where client_id = ? and id = any (array(select id from link)) returning id, ${columns}
       )
       insert into audit_events (sequence, version, month, previous, hash, ${columns})
       select sequence, ?, ?::date, previous, hash, ${columns} from arrived join link using (id)`,
      [JSON.stringify(links), clientId, VERSION, month],
    )
  }

  async #moveHead(tx: Tx, { client_id, month, sequence, hash }: Omit<StoredHead, 'signed_at' | 'signature'>) {
    const head = signHead(this.signer, { client_id, sequence, hash, at: this.clock.now() })
    await tx.execute(
      'update audit_heads set sequence = ?, hash = ?, month = ?, signed_at = ?, signature = ? where client_id = ?',
      [sequence, hash, month, head.signed_at, head.signature, client_id],
    )
  }
}

function linksAfter(head: { sequence: number; hash: string }, arrivals: Arrival[]): Link[] {
  const links: Link[] = []
  let { sequence, hash: previous } = head
  for (const { id, ...arrival } of arrivals) {
    sequence += 1
    const hash = hashOfEvent({ ...arrival, sequence, version: VERSION, previous })!
    links.push({ id, sequence, previous, hash })
    previous = hash
  }
  return links
}
