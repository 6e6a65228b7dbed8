import type { EntityManager } from '@mikro-orm/postgresql'
import { MikroORM } from '@mikro-orm/postgresql'
import { Inject, Injectable } from '@nestjs/common'
import pg from 'pg'
import { Batch } from './batch.js'
import { PlannedSessions } from './planned-sessions.js'
import type { BatchStatement, Lookup, Statement } from './statement.js'

declare const inTransaction: unique symbol

/** An entity manager inside an open transaction. What must not run outside one asks for this type. */
export type Tx = EntityManager & { readonly [inTransaction]: true }

/** Reads may run in either. */
export type Em = EntityManager

/** Runs one written-out statement. Rows have the column names; times are `Date`s. */
export type Run = <Row>(statement: Statement<Row>, values: readonly unknown[]) => Promise<Row[]>

/** What a statement finds by one of many keys. Who asks for the same key at the same moment gets the same rows: nobody changes them. */
export type LookUp = <Row>(lookup: Lookup<Row>, key: string) => Promise<readonly Row[]>

/**
 * The one way to the database: every use gets its own fork, and transactions travel as arguments, never
 * ambiently. Entities are for clarity; the main path, which runs for every mailbox, uses written-out statements.
 */
@Injectable()
export class Database {
  readonly #batches = new Map<BatchStatement<{ id: string }>, Batch<readonly unknown[], { id: string } | undefined>>()
  readonly #lookups = new Map<Lookup<unknown>, Batch<string, readonly unknown[]>>()

  /** @param planned null behind a pooler, where the next statement may go to another session: no statement has a name there */
  constructor(
    private readonly orm: MikroORM,
    @Inject(PlannedSessions) private readonly planned: PlannedSessions | null,
  ) {}

  read<T>(work: (em: Em) => Promise<T>): Promise<T> {
    return work(this.orm.em.fork())
  }

  inTransaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.orm.em.fork().transactional((em) => work(em as Tx))
  }

  /** One statement, a transaction of its own. */
  run: Run = (statement, values) => this.#query(statement, values)

  /**
   * One row's part in a statement over many: what is asked for at the same moment goes to the database together.
   * @param values the row's own: its id, then the rest in the order of the statement
   * @returns undefined when the answer has no row with that id
   */
  async runTogether<Row extends { id: string }>(
    statement: BatchStatement<Row>,
    values: readonly [id: string, ...rest: unknown[]],
  ): Promise<Row | undefined> {
    const batch =
      this.#batches.get(statement) ??
      new Batch<readonly unknown[], { id: string } | undefined>(
        (rows) => this.#queryTogether(statement, rows),
        statement.pace,
      )
    this.#batches.set(statement, batch)
    try {
      return (await batch.add(values)) as Row | undefined
    } catch (error) {
      if (!wasUndone(error)) throw error
      // One row that cannot be written must not keep the others from it.
      return (await this.#queryTogether(statement, [values]))[0]
    }
  }

  /** One key's part in a question about many: what is asked for at the same moment goes to the database together. */
  lookUp: LookUp = async <Row>(lookup: Lookup<Row>, key: string) => {
    const batch =
      this.#lookups.get(lookup) ??
      new Batch<string, readonly unknown[]>((keys) => this.#lookUpTogether(lookup, keys), lookup.pace)
    this.#lookups.set(lookup, batch)
    try {
      return (await batch.add(key)) as readonly Row[]
    } catch (error) {
      if (!wasUndone(error)) throw error
      return (await this.#lookUpTogether(lookup, [key]))[0]!
    }
  }

  async #lookUpTogether<Row>(lookup: Lookup<Row>, keys: readonly string[]): Promise<Row[][]> {
    const found = new Map<string, Row[]>(keys.map((key) => [key, []]))
    const rows = await this.#queryPlanned(lookup, [[...found.keys()]])
    for (const row of rows as (Row & { asked: string })[]) found.get(row.asked)!.push(row)
    return keys.map((key) => found.get(key)!)
  }

  /** An id that comes twice waits for its own turn: within one statement the second would not see what the first did. */
  async #queryTogether<Row extends { id: string }>(
    statement: BatchStatement<Row>,
    rows: readonly (readonly unknown[])[],
  ): Promise<(Row | undefined)[]> {
    const answers: (Row | undefined)[] = new Array(rows.length)
    for (let left = [...rows.keys()]; left.length > 0; ) {
      const turn = new Map(left.toReversed().map((index) => [rows[index]![0], index]))
      const taken = [...turn.values()]
      const columns = rows[0]!.map((_, column) => taken.map((index) => rows[index]![column]))
      const found = await this.#queryPlanned(statement, columns)
      for (const row of found) answers[turn.get(row.id)!] = row
      left = left.filter((index) => !taken.includes(index))
    }
    return answers
  }

  #queryPlanned<Row>(statement: Statement<Row>, values: readonly unknown[]): Promise<Row[]> {
    return this.planned ? this.planned.query(statement, values) : this.#query(statement, values)
  }

  async #query<Row>({ name, text }: Statement<Row>, values: readonly unknown[]): Promise<Row[]> {
    const pool: pg.Pool = await this.orm.em.getConnection().getNativeClient()
    const { rows } = await pool.query({
      ...(this.planned && name && { name }),
      text,
      values: [...values],
      types: pg.types,
    })
    return rows
  }

  async isReachable(): Promise<boolean> {
    try {
      await this.orm.em.fork().execute('select 1')
      return true
    } catch {
      return false
    }
  }
}

/** PostgreSQL takes back a statement that it calls an error. Of a lost connection nobody knows what was done before. */
const wasUndone = (error: unknown) => error instanceof pg.DatabaseError && error.severity === 'ERROR'
