import { randomBytes } from 'node:crypto'
import { SEALED_COLUMNS } from '#platform/database/sealed-columns.js'
import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { rowsOf } from '#platform/testing/rows-of.js'
import { CountKeys } from './count-keys.js'
import { LocalMasterKeys } from './master-keys.js'
import { CryptoRandom } from './random.js'
import { ResealValues } from './reseal-values.js'
import { Sealer, type SealingPlace } from './sealer.js'
import { Secret } from './secret.js'
import { StoredDataKeys } from './stored-data-keys.js'

describe('sealing values anew', () => {
  const { url } = testDatabase()
  const ground = databaseForTests([], url)
  const dataKeys = new StoredDataKeys(
    url,
    new LocalMasterKeys([{ id: 'k1', key: new Secret(randomBytes(32)) }]),
    new CryptoRandom(),
  )
  afterAll(() => dataKeys.close())
  const sealer = new Sealer(dataKeys)
  const values = () => new ResealValues(ground.database, dataKeys, sealer)
  const sql = (text: string, values: unknown[] = []) => rowsOf(url, text, values)

  const placeOf = (client: string): SealingPlace => ({
    table: 'clients',
    column: 'sealed_signing_secret',
    row: client,
    client,
  })
  const register = async (client: string) =>
    sql(
      `insert into clients (id, name, redirect_uris, callback_origins, sealed_signing_secret, created_at)
       values ($1, 'x', '{}', '{}', $2, now())`,
      [client, await sealer.seal(new Secret(`of ${client}`), placeOf(client))],
    )
  const sealedOf = async (client: string) =>
    (await sql('select sealed_signing_secret as sealed from clients where id = $1', [client]))[0]!.sealed as string
  const resealAll = async () => {
    const done = { resealed: 0, unreadable: [] as string[] }
    for await (const { resealed, unreadable } of values().reseal()) {
      done.resealed += resealed
      done.unreadable.push(...unreadable)
    }
    return done
  }

  it('leaves what was altered as it is, says where it stands, and goes on', async () => {
    for (const client of ['cli_1', 'cli_2', 'cli_3']) await register(client)
    const altered = `${(await sealedOf('cli_2')).slice(0, -4)}AAAA`
    await sql(`update clients set sealed_signing_secret = $1 where id = 'cli_2'`, [altered])
    await values().retireAll()

    expect(await resealAll()).toEqual({ resealed: 2, unreadable: ['clients.sealed_signing_secret cli_2'] })
    expect(await sealedOf('cli_2')).toBe(altered)
    expect((await sealer.open(await sealedOf('cli_3'), placeOf('cli_3'))).reveal()).toBe('of cli_3')
    expect(await resealAll()).toMatchObject({ resealed: 0 })
  })

  it('deletes a retired data key only when nothing names it, and nobody can be about to', async () => {
    const idOf = async (client: string) => (await sealedOf(client)).split('.')[1]
    const left = async () => (await sql('select id from data_keys where retired_at is not null')).map(({ id }) => id)

    expect(await values().deleteUnused()).toBe(0)
    await sql(`update data_keys set retired_at = retired_at - interval '2 hours'`)
    expect(await values().deleteUnused()).toBe(2)
    expect(await left()).toEqual([await idOf('cli_2')])
  })

  it('counts what hangs on which key', async () => {
    const count = await new CountKeys(ground.database).count()

    expect(count).toEqual([
      { masterKeyId: 'k1', retired: false, dataKeys: 2, values: 2 },
      { masterKeyId: 'k1', retired: true, dataKeys: 1, values: 1 },
    ])
  })

  it('knows every column there is for sealed values', async () => {
    const columns = await sql(
      `select table_name as "table", column_name as "column" from information_schema.columns
       where table_schema = 'public' and column_name like 'sealed\\_%' order by 1, 2`,
    )
    const known = SEALED_COLUMNS.map(({ table, column }) => ({ table, column }))

    expect(known.sort((a, b) => (`${a.table} ${a.column}` < `${b.table} ${b.column}` ? -1 : 1))).toEqual(columns)
  })
})
