import { randomBytes } from 'node:crypto'
import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { rowsOf } from '#platform/testing/rows-of.js'
import { checkMasterKeys } from './check-master-keys.js'
import { LocalMasterKeys, type MasterKey, MasterKeys, type WrappedKey } from './master-keys.js'
import { CryptoRandom } from './random.js'
import { RewrapDataKeys } from './rewrap-data-keys.js'
import { Sealer, type SealingPlace } from './sealer.js'
import { Secret } from './secret.js'
import { SecretsError } from './secrets.errors.js'
import { StoredDataKeys } from './stored-data-keys.js'

const masterKey = (id: string): MasterKey => ({ id, key: new Secret(randomBytes(32)) })
const [old, recent] = [masterKey('k1'), masterKey('k2')]
const placeOf = (client: string): SealingPlace => ({
  table: 'service_accounts',
  column: 'sealed_credential',
  row: 'ser_1',
  client,
})

describe('data keys', () => {
  const { url } = testDatabase()
  const open: StoredDataKeys[] = []
  afterEach(() => Promise.all(open.splice(0).map((keys) => keys.close())))

  /** As another process would have it: nothing kept in memory yet. */
  const processWith = (...keys: [MasterKey, ...MasterKey[]]) => {
    const dataKeys = new StoredDataKeys(url, new LocalMasterKeys(keys), new CryptoRandom())
    open.push(dataKeys)
    return new Sealer(dataKeys)
  }
  const sql = (text: string, values?: unknown[]) => rowsOf(url, text, values)

  it('are one for each client, however many processes seal its first value at the same moment', async () => {
    const processes = Array.from({ length: 4 }, () => processWith(old))
    const sealed = await Promise.all(
      processes.flatMap((sealer) => ['cli_a', 'cli_b'].map((client) => sealer.seal(new Secret('x'), placeOf(client)))),
    )

    expect(await sql(`select client_id from data_keys where client_id in ('cli_a', 'cli_b') order by 1`)).toEqual([
      { client_id: 'cli_a' },
      { client_id: 'cli_b' },
    ])
    expect(new Set(sealed.map((value) => value.split('.')[1])).size).toBe(2)
  })

  it('are stored wrapped only, and each for its own client', async () => {
    const sealer = processWith(old)
    const sealed = await sealer.seal(new Secret('x'), placeOf('cli_c'))
    await sealer.seal(new Secret('x'), placeOf('cli_d'))
    await sql(
      `update data_keys set wrapped_key = (select wrapped_key from data_keys where client_id = 'cli_d')
       where client_id = 'cli_c'`,
    )

    await expect(processWith(old).open(sealed, placeOf('cli_c'))).rejects.toMatchObject({
      code: 'secrets.master_key_wrong',
    })
  })

  it('are asked of the database once, and not for every value', async () => {
    const sealer = processWith(old)
    const sealed = await sealer.seal(new Secret('kept'), placeOf('cli_e'))
    await sql(`delete from data_keys where client_id = 'cli_e'`)

    expect((await sealer.open(sealed, placeOf('cli_e'))).reveal()).toBe('kept')
    expect((await sealer.open(await sealer.seal(new Secret('y'), placeOf('cli_e')), placeOf('cli_e'))).reveal()).toBe(
      'y',
    )
    await expect(processWith(old).open(sealed, placeOf('cli_e'))).rejects.toMatchObject({
      code: 'secrets.data_key_missing',
    })
  })

  it('let processes with another first key read what each has sealed', async () => {
    const [before, after] = [processWith(old, recent), processWith(recent, old)]
    const [one, other] = [
      await before.seal(new Secret('before'), placeOf('cli_f')),
      await after.seal(new Secret('after'), placeOf('cli_g')),
    ]

    expect((await after.open(one, placeOf('cli_f'))).reveal()).toBe('before')
    expect((await before.open(other, placeOf('cli_g'))).reveal()).toBe('after')
    await expect(processWith(old).open(other, placeOf('cli_g'))).rejects.toMatchObject({
      code: 'secrets.master_key_missing',
      status: 503,
    })
  })
})

/** Keeps a key that never leaves it, and local ones beside it, from which an installation moves to it. */
class Kms extends MasterKeys {
  readonly first = 'arn:kms:key/1'
  readonly ids: ReadonlySet<string>
  readonly #held = new Map<string, { key: Secret<Buffer>; context: string }>()
  isAway = false

  constructor(private readonly local: MasterKeys) {
    super()
    this.ids = new Set([this.first, ...local.ids])
  }

  async wrap(key: Secret<Buffer>, binding: readonly string[]) {
    const text = `ciphertext ${this.#held.size}`
    this.#held.set(text, { key, context: binding.join(' ') })
    return { masterKeyId: this.first, text }
  }

  async unwrap(wrapped: WrappedKey, binding: readonly string[]) {
    if (wrapped.masterKeyId !== this.first) return this.local.unwrap(wrapped, binding)
    if (this.isAway) throw new Error('the KMS does not answer')
    const held = this.#held.get(wrapped.text)
    if (held?.context !== binding.join(' ')) throw new SecretsError('secrets.master_key_wrong', 'InvalidCiphertext')
    return held.key
  }
}

describe('a KMS behind the port', () => {
  const { url } = testDatabase()
  const ground = databaseForTests([], url)

  it('takes over from local keys by a rotation, is asked once for each client, and its outage is no wrong key', async () => {
    const kms = new Kms(new LocalMasterKeys([old]))
    const open: StoredDataKeys[] = []
    const processWith = (keys: MasterKeys) => {
      open.push(new StoredDataKeys(url, keys, new CryptoRandom()))
      return new Sealer(open.at(-1)!)
    }
    await checkMasterKeys(url, new LocalMasterKeys([old]), 'K')
    const sealed = await processWith(new LocalMasterKeys([old])).seal(new Secret('x'), placeOf('cli_1'))

    await checkMasterKeys(url, kms, 'K')
    const rotation = new RewrapDataKeys(ground.database, kms)
    expect(await Array.fromAsync(rotation.rewrap())).toEqual([{ rewrapped: 1, unreadable: [] }])
    const after = processWith(kms)
    expect((await after.open(sealed, placeOf('cli_1'))).reveal()).toBe('x')

    kms.isAway = true
    expect((await after.open(sealed, placeOf('cli_1'))).reveal()).toBe('x')
    await expect(processWith(kms).open(sealed, placeOf('cli_1'))).rejects.toThrow('the KMS does not answer')
    kms.isAway = false
    await expect(processWith(new Kms(new LocalMasterKeys([old]))).open(sealed, placeOf('cli_1'))).rejects.toMatchObject(
      {
        code: 'secrets.master_key_wrong',
      },
    )
    await Promise.all(open.map((keys) => keys.close()))
  })
})

describe('a start', () => {
  const { url } = testDatabase()
  const start = (...keys: [MasterKey, ...MasterKey[]]) =>
    checkMasterKeys(url, new LocalMasterKeys(keys), 'THE_VARIABLE')
  const sealSomething = async (...keys: [MasterKey, ...MasterKey[]]) => {
    const dataKeys = new StoredDataKeys(url, new LocalMasterKeys(keys), new CryptoRandom())
    await new Sealer(dataKeys).seal(new Secret('x'), placeOf('cli_1'))
    await dataKeys.close()
  }

  it('is refused with another key than the installation was sealed with, also before anything was sealed', async () => {
    await start(old)

    await expect(start(old)).resolves.toBeUndefined()
    await expect(start({ ...masterKey('k1') })).rejects.toThrow(
      'THE_VARIABLE holds another key under the id "k1" than this database was sealed with',
    )
  })

  it('is refused as long as a data key needs a master key that is not there', async () => {
    await sealSomething(old)

    await expect(start(recent)).rejects.toThrow('THE_VARIABLE lacks the key "k1", which wraps 1 data key')
    await expect(start(recent, old)).resolves.toBeUndefined()
  })

  it('is told all that is wrong at once', async () => {
    await start(recent, old)
    const failure = await start(masterKey('k2')).catch((error) => error)

    expect(failure.problems).toEqual([expect.stringContaining('"k1"'), expect.stringContaining('"k2"')])
  })
})
