import type { EntityManager } from '@mikro-orm/postgresql'
import { MikroORM } from '@mikro-orm/postgresql'
import { Injectable } from '@nestjs/common'
import pg from 'pg'
import type { Statement } from './statement.js'

declare const inTransaction: unique symbol

/** An entity manager inside an open transaction. What must not run outside one asks for this type. */
export type Tx = EntityManager & { readonly [inTransaction]: true }

/** Reads may run in either. */
export type Em = EntityManager

/** Runs one written-out statement. Rows have the column names; times are `Date`s. */
export type Run = <Row>(statement: Statement<Row>, values: readonly unknown[]) => Promise<Row[]>

/**
 * The one way to the database: every use gets its own fork, and transactions travel as arguments, never
 * ambiently. Entities are for clarity; the main path, which runs for every mailbox, uses written-out statements.
 */
@Injectable()
export class Database {
  constructor(private readonly orm: MikroORM) {}

  read<T>(work: (em: Em) => Promise<T>): Promise<T> {
    return work(this.orm.em.fork())
  }

  inTransaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.orm.em.fork().transactional((em) => work(em as Tx))
  }

  /** One statement, a transaction of its own. */
  run: Run = async ({ name, text }, values) => {
    const pool: pg.Pool = await this.orm.em.getConnection().getNativeClient()
    const { rows } = await pool.query({ name, text, values: [...values], types: pg.types })
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
