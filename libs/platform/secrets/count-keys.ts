import { Injectable } from '@nestjs/common'
import { Database } from '#platform/database/database.js'
import { SEALED_COLUMNS } from '#platform/database/sealed-columns.js'
import { defineStatement } from '#platform/database/statement.js'
import { dataKeyIn } from './reseal-values.js'

export interface KeyCount {
  masterKeyId: string
  retired: boolean
  dataKeys: number
  /** How many values these data keys seal. */
  values: number
}

/** Reads every sealed value's key: for an operator who asks, not for anything that runs. */
const COUNT = defineStatement<{ master_key_id: string; retired: boolean; data_keys: number; values: number }>(
  'count-keys',
  `with value as (
     ${SEALED_COLUMNS.map(({ table, column }) => `select ${dataKeyIn(column)} as data_key_id from ${table} where ${column} is not null`).join(' union all ')}
   ), sealed as (select data_key_id, count(*) as values from value group by 1)
   select master_key_id, retired_at is not null as retired, count(*)::int as data_keys,
     coalesce(sum(sealed.values), 0)::float8 as values
   from data_keys left join sealed on sealed.data_key_id = data_keys.id
   group by 1, 2 order by 1, 2`,
)

@Injectable()
export class CountKeys {
  constructor(private readonly database: Database) {}

  async count(): Promise<KeyCount[]> {
    const rows = await this.database.run(COUNT, [])
    return rows.map(({ master_key_id: masterKeyId, retired, data_keys: dataKeys, values }) => ({
      masterKeyId,
      retired,
      dataKeys,
      values,
    }))
  }
}
