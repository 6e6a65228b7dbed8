import { Injectable } from '@nestjs/common'
import { Database } from '#platform/database/database.js'
import { defineStatement } from '#platform/database/statement.js'
import { failPoint } from '#platform/fail-points/fail-point.js'
import { MasterKeys } from './master-keys.js'
import { SecretsError } from './secrets.errors.js'
import { dataKeyBinding } from './stored-data-keys.js'

const BATCH = 50

interface Wrapped {
  id: string
  client_id: string
  wrapped_key: string
  master_key_id: string
}

const WRAPPED_BY_ANOTHER = defineStatement<Wrapped>(
  'data-keys-wrapped-by-another',
  `select id, client_id, wrapped_key, master_key_id from data_keys where master_key_id <> $1 and id > $2
   order by id limit $3`,
)

/** Where the key is wrapped as it was read: of two that rewrap at once, one does. */
const REWRAP = defineStatement<{ id: string }>(
  'rewrap-data-keys',
  `update data_keys set wrapped_key = given.after, master_key_id = $4
   from unnest($1::text[], $2::text[], $3::text[]) as given (id, before, after)
   where data_keys.id = given.id and wrapped_key = given.before returning data_keys.id`,
)

export interface Rewrapped {
  rewrapped: number
  /** Data keys that their master key does not unwrap. */
  unreadable: string[]
}

/**
 * Brings every data key under the first master key. The keys themselves and the values that they seal stay as they are, so
 * nothing that runs has to notice. What is left to do stands in the rows: killed and run again, it goes on.
 */
@Injectable()
export class RewrapDataKeys {
  constructor(
    private readonly database: Database,
    private readonly masterKeys: MasterKeys,
  ) {}

  async *rewrap(): AsyncGenerator<Rewrapped> {
    for (let after = ''; ; ) {
      const batch = await this.database.run(WRAPPED_BY_ANOTHER, [this.masterKeys.first, after, BATCH])
      if (batch.length === 0) return
      yield await this.#rewrap(batch)
      after = batch.at(-1)!.id
    }
  }

  async #rewrap(batch: Wrapped[]): Promise<Rewrapped> {
    // No transaction is open: a KMS may take its time.
    const wrappings = await Promise.all(batch.map((row) => this.#wrappedAnew(row)))
    const given = batch.map(({ id, wrapped_key }, index) => ({ id, before: wrapped_key, after: wrappings[index]! }))
    const readable = given.filter(({ after }) => after !== null)
    failPoint('rewrap-data-keys.rewrapping')
    const rows = await this.database.run(REWRAP, [
      readable.map(({ id }) => id),
      readable.map(({ before }) => before),
      readable.map(({ after }) => after),
      this.masterKeys.first,
    ])
    failPoint('rewrap-data-keys.rewrapped')
    const unreadable = given.filter(({ after }) => after === null).map(({ id }) => `data_keys ${id}`)
    return { rewrapped: rows.length, unreadable }
  }

  async #wrappedAnew({
    id,
    client_id,
    wrapped_key: text,
    master_key_id: masterKeyId,
  }: Wrapped): Promise<string | null> {
    const binding = dataKeyBinding(id, client_id)
    try {
      return (await this.masterKeys.wrap(await this.masterKeys.unwrap({ masterKeyId, text }, binding), binding)).text
    } catch (error) {
      if (error instanceof SecretsError) return null
      throw error
    }
  }
}
