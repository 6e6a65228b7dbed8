import { Injectable } from '@nestjs/common'
import { Database } from '#platform/database/database.js'
import { SEALED_COLUMNS } from '#platform/database/sealed-columns.js'
import { defineStatement } from '#platform/database/statement.js'
import { failPoint } from '#platform/fail-points/fail-point.js'
import { DataKeys } from './data-keys.js'
import { Sealer, type SealingPlace } from './sealer.js'
import { SecretsError } from './secrets.errors.js'

const BATCH = 200

type Column = (typeof SEALED_COLUMNS)[number]

interface Value {
  id: string
  client: string
  sealed: string
}

/** The second part of a sealed value names its data key. */
export const dataKeyIn = (column: string) => `split_part(${column}, '.', 2)`

const RETIRE = defineStatement<{ id: string }>(
  'retire-data-keys',
  'update data_keys set retired_at = now() where retired_at is null returning id',
)

const SOME_RETIRED = defineStatement<{ id: string }>(
  'some-retired-data-key',
  'select id from data_keys where retired_at is not null limit 1',
)

const sealedByRetired = ({ table, column, client }: Column) =>
  defineStatement<Value>(
    `sealed-by-retired-${table}-${column}`,
    `select id, ${client} as client, ${column} as sealed from ${table}
     where id > $1 and exists (select from data_keys k where k.id = ${dataKeyIn(column)} and k.retired_at is not null)
     order by ${table}.id limit $2`,
  )

/** Where the value is as it was read: whoever wrote another meanwhile sealed it with the newer key already. */
const reseal = ({ table, column }: Column) =>
  defineStatement<{ id: string }>(
    `reseal-${table}-${column}`,
    `update ${table} set ${column} = given.after
     from unnest($1::text[], $2::text[], $3::text[]) as given (id, before, after)
     where ${table}.id = given.id and ${table}.${column} = given.before returning ${table}.id`,
  )

/** Longer than any process goes on using a data key that was retired: nothing can be about to name it. */
const DELETE_UNUSED = defineStatement<{ id: string }>(
  'delete-unused-data-keys',
  `delete from data_keys k where retired_at < now() - interval '1 hour'
   ${SEALED_COLUMNS.map(({ table, column }) => `and not exists (select from ${table} where ${dataKeyIn(column)} = k.id)`).join('\n')}
   returning id`,
)

export interface Resealed {
  resealed: number
  /** Where a value stands that does not open. */
  unreadable: string[]
}

/**
 * Gives clients new data keys. Retiring the old ones is the whole decision: from then on new values are sealed with new
 * keys, and what still names a retired one is the work that is left. Killed and run again, it goes on.
 */
@Injectable()
export class ResealValues {
  constructor(
    private readonly database: Database,
    private readonly dataKeys: DataKeys,
    private readonly sealer: Sealer,
  ) {}

  /** @returns how many data keys */
  async retireAll(): Promise<number> {
    return (await this.database.run(RETIRE, [])).length
  }

  /** Seals anew, batch by batch, what a retired data key has sealed. */
  async *reseal(): AsyncGenerator<Resealed> {
    this.dataKeys.forgetActive()
    if ((await this.database.run(SOME_RETIRED, [])).length === 0) return
    for (const column of SEALED_COLUMNS)
      for (let after = ''; ; ) {
        const batch = await this.database.run(sealedByRetired(column), [after, BATCH])
        if (batch.length === 0) break
        yield await this.#reseal(column, batch)
        after = batch.at(-1)!.id
      }
  }

  /** @returns how many retired data keys were deleted, because nothing names them any more */
  async deleteUnused(): Promise<number> {
    return (await this.database.run(DELETE_UNUSED, [])).length
  }

  async #reseal(column: Column, batch: Value[]): Promise<Resealed> {
    const sealings = await Promise.all(batch.map((value) => this.#sealedAnew(column, value)))
    const given = batch.map(({ id, sealed }, index) => ({ id, before: sealed, after: sealings[index]! }))
    const readable = given.filter(({ after }) => after !== null)
    failPoint('reseal-values.resealing')
    const rows = await this.database.run(reseal(column), [
      readable.map(({ id }) => id),
      readable.map(({ before }) => before),
      readable.map(({ after }) => after),
    ])
    failPoint('reseal-values.resealed')
    const unreadable = given.filter(({ after }) => after === null)
    return { resealed: rows.length, unreadable: unreadable.map(({ id }) => `${column.table}.${column.column} ${id}`) }
  }

  async #sealedAnew({ table, column }: Column, { id: row, client, sealed }: Value): Promise<string | null> {
    const place = { table, column, row, client } as SealingPlace
    try {
      return await this.sealer.seal(await this.sealer.open(sealed, place), place)
    } catch (error) {
      if (error instanceof SecretsError) return null
      throw error
    }
  }
}
