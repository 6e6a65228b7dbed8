import { createSecretKey, randomBytes } from 'node:crypto'
import pg from 'pg'
import { RecentlyUsed } from '#platform/caches/recently-used.js'
import { seconds } from '#platform/clock/clock.js'
import { type DataKey, DataKeys } from './data-keys.js'
import type { MasterKeys } from './master-keys.js'
import { newId, RandomSource } from './random.js'
import { Secret } from './secret.js'
import { SecretsError } from './secrets.errors.js'

/** How long a process may go on sealing with a data key that was retired meanwhile: it opens as long as it is used. */
const ACTIVE_KEPT_FOR = seconds(60)
const MOST_KEPT = 10_000
/** Not from the application's pool: a transaction that seals holds a connection there, and would wait for a second one. */
const CONNECTIONS = 2
const KEY_BYTES = 32

interface DataKeyRow {
  id: string
  client_id: string
  wrapped_key: string
  master_key_id: string
}

/** The table `data_keys`. What was unwrapped once is kept, so that sealing and opening ask neither database nor KMS. */
export class StoredDataKeys extends DataKeys {
  readonly #pool: pg.Pool
  readonly #byId = new RecentlyUsed<DataKey>(MOST_KEPT, { fetchMethod: (id) => this.#load(id) })
  readonly #activeIds = new RecentlyUsed<string>(MOST_KEPT, {
    ttl: ACTIVE_KEPT_FOR,
    fetchMethod: (client) => this.#findOrMake(client),
  })

  constructor(
    databaseUrl: Secret<string>,
    private readonly masterKeys: MasterKeys,
    private readonly random: RandomSource,
  ) {
    super()
    this.#pool = new pg.Pool({ connectionString: databaseUrl.reveal(), max: CONNECTIONS, allowExitOnIdle: true })
    // Without a listener a dropped idle connection would end the process; the next query says what is wrong.
    this.#pool.on('error', () => {})
  }

  async active(client: string): Promise<DataKey> {
    return this.get((await this.#activeIds.fetch(client))!)
  }

  async get(id: string): Promise<DataKey> {
    return (await this.#byId.fetch(id))!
  }

  forgetActive(): void {
    this.#activeIds.clear()
  }

  close(): Promise<void> {
    return this.#pool.end()
  }

  async #load(id: string): Promise<DataKey> {
    const { rows } = await this.#pool.query<DataKeyRow>('select * from data_keys where id = $1', [id])
    if (!rows[0]) throw new SecretsError('secrets.data_key_missing', `there is no data key "${id.slice(0, 64)}"`)
    const { client_id: client, wrapped_key: text, master_key_id: masterKeyId } = rows[0]
    const key = await this.masterKeys.unwrap({ masterKeyId, text }, dataKeyBinding(id, client))
    return { id, client, key: createSecretKey(key.reveal()) }
  }

  /** Its own transaction, and committed before anything is sealed: a value never outlives the key that it names. */
  async #findOrMake(client: string): Promise<string> {
    return (await this.#findActive(client)) ?? (await this.#make(client)) ?? (await this.#findActive(client))!
  }

  async #findActive(client: string): Promise<string | undefined> {
    const text = 'select id from data_keys where client_id = $1 and retired_at is null'
    return (await this.#pool.query<{ id: string }>(text, [client])).rows[0]?.id
  }

  /** Undefined when another process was first. */
  async #make(client: string): Promise<string | undefined> {
    const id = newId(this.random, 'dk')
    const key = new Secret(randomBytes(KEY_BYTES))
    const { masterKeyId, text } = await this.masterKeys.wrap(key, dataKeyBinding(id, client))
    const { rows } = await this.#pool.query<{ id: string }>(
      `insert into data_keys (id, client_id, wrapped_key, master_key_id, created_at) values ($1, $2, $3, $4, now())
       on conflict (client_id) where retired_at is null do nothing returning id`,
      [id, client, text, masterKeyId],
    )
    return rows[0]?.id
  }
}

export const dataKeyBinding = (id: string, client: string) => ['data_keys', 'wrapped_key', id, client]
