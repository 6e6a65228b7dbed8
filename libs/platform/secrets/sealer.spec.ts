import { createDecipheriv, createSecretKey, randomBytes } from 'node:crypto'
import { sealerForTests } from '#platform/testing/sealer-for-tests.js'
import { Sealer, type SealingPlace } from './sealer.js'
import { Secret } from './secret.js'

const place: SealingPlace = {
  table: 'provider_credentials',
  column: 'sealed_credential',
  row: 'prc_1',
  client: 'cli_1',
}
const elsewhere: [string, SealingPlace][] = [
  ['row', { ...place, row: 'prc_2' }],
  ['column', { ...place, table: 'provider_credentials', column: 'sealed_sign_in_secret' }],
  ['table', { ...place, table: 'service_accounts', column: 'sealed_credential' }],
  ['client', { ...place, client: 'cli_2' }],
]

describe('a sealed value', () => {
  const sealer = sealerForTests()
  let sealed: string
  beforeAll(async () => {
    sealed = await sealer.seal(new Secret('the value ✓'), place)
  })

  it('opens where it was sealed', async () => {
    expect((await sealer.open(sealed, place)).reveal()).toBe('the value ✓')
  })

  it.each(elsewhere)('does not open when it is moved to another %s', async (_, other) => {
    await expect(sealer.open(sealed, other)).rejects.toMatchObject({ code: 'secrets.value_altered', status: 503 })
    const theirs = await sealer.seal(new Secret('theirs'), other)
    await expect(sealer.open(theirs, place)).rejects.toMatchObject({ code: 'secrets.value_altered' })
  })

  it('does not open with any of its bits changed, nor cut short', async () => {
    const [version, key, encoded] = sealed.split('.') as [string, string, string]
    const bytes = Buffer.from(encoded, 'base64url')
    const open = (changed: Buffer) => sealer.open([version, key, changed.toString('base64url')].join('.'), place)
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Buffer.from(bytes)
      changed[bit >> 3]! ^= 1 << (bit & 7)
      await expect(open(changed)).rejects.toMatchObject({ code: 'secrets.value_altered' })
    }
    for (const length of [0, 11, 12, 16, 27, 28, bytes.length - 1])
      await expect(open(bytes.subarray(0, length))).rejects.toMatchObject({ code: 'secrets.value_altered' })
    for (const text of ['', 'v1', `v2.${key}.${encoded}`, encoded])
      await expect(sealer.open(text, place)).rejects.toThrow()
  })

  it('says nothing of itself when it does not open', async () => {
    const failure = await sealer.open(sealed, elsewhere[0]![1]).catch((error) => error)

    expect(`${failure.publicText} ${failure.message}`).not.toContain('the value')
    expect(failure.publicText).toBe('A stored secret cannot be opened. The operator has to look into it.')
  })
})

describe('the format', () => {
  const key = randomBytes(32)
  const dataKey = { id: 'dk_1', client: 'cli_1', key: createSecretKey(key) }
  const sealer = new Sealer({ active: async () => dataKey, get: async () => dataKey, forgetActive: () => {} })

  it('is AES-256-GCM with the IV and the tag in front, the place authenticated, and the data key named', async () => {
    const sealed = await sealer.seal(new Secret('by hand'), place)
    const [version, keyId, encoded] = sealed.split('.')
    const bytes = Buffer.from(encoded!, 'base64url')
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12))
    decipher.setAuthTag(bytes.subarray(12, 28))
    decipher.setAAD(Buffer.from('["provider_credentials","sealed_credential","prc_1","cli_1"]'))

    expect([version, keyId]).toEqual(['v1', 'dk_1'])
    expect(decipher.update(bytes.subarray(28), undefined, 'utf8') + decipher.final('utf8')).toBe('by hand')
  })

  it('repeats no IV in 10,000 writes of the same value', async () => {
    const ivs = new Set<string>()
    for (let write = 0; write < 10_000; write++) {
      const sealed = await sealer.seal(new Secret('the same'), place)
      ivs.add(Buffer.from(sealed.split('.')[2]!, 'base64url').subarray(0, 12).toString('hex'))
    }

    expect(ivs.size).toBe(10_000)
  })
})
