import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { type FieldProblems, ValidationError } from '#platform/errors/validation-error.js'
import { newSigningKey, selfSignedCertificate } from '../../../../apps/sandbox/core/self-signed-certificate.js'
import { rsaKeyOfNoPrimes } from '../testing/rsa-key-of-no-primes.js'
import { readMicrosoftRegistration, readMicrosoftTenant, type TypedRegistration } from './microsoft-registration.js'
import { PFX_PASSWORD, PFX_WITH_AES, PFX_WITH_RC2, PFX_WITH_TRIPLE_DES, PFX_WITHOUT_KEY } from './pfx-for-tests.js'

const CLIENT_ID = '5D0F3C1A-7b28-4e96-a1c4-3e8b9d2f6a70'
const NOW = new Date()
const pemOf = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }) as string

const complaintsOf = (typed: Partial<TypedRegistration>, now = NOW): FieldProblems => {
  try {
    readMicrosoftRegistration({ clientId: CLIENT_ID, ...typed }, now)
  } catch (error) {
    if (error instanceof ValidationError) return error.problems
    throw error
  }
  return {}
}
const fieldsRefused = (typed: Partial<TypedRegistration>) => Object.keys(complaintsOf(typed))

describe('an app registration that was typed in', () => {
  let key: KeyObject
  let certificate: string

  beforeAll(async () => {
    key = await newSigningKey()
    certificate = selfSignedCertificate(key, 'mandate.test')
  })

  it('is read with a secret', () => {
    const read = readMicrosoftRegistration({ clientId: ` ${CLIENT_ID} `, clientSecret: ' the~value ' }, NOW)
    expect(read).toMatchObject({ provider: 'microsoft', clientId: CLIENT_ID.toLowerCase(), proof: { kind: 'secret' } })
    expect(read.proof.kind === 'secret' && read.proof.clientSecret.reveal()).toBe('the~value')
  })

  it('is read with a certificate and its private key, in either PEM form', () => {
    const pkcs1 = key.export({ type: 'pkcs1', format: 'pem' }) as string
    for (const privateKey of [pemOf(key), pkcs1]) {
      const { proof } = readMicrosoftRegistration({ clientId: CLIENT_ID, certificate, privateKey }, NOW)
      if (proof.kind !== 'certificate') throw new Error('not a certificate')
      expect(createPrivateKey(proof.privateKey.reveal()).equals(key)).toBe(true)
    }
  })

  it('teaches the difference between a secret’s value and its id', () => {
    expect(() => readMicrosoftRegistration({ clientId: CLIENT_ID, clientSecret: CLIENT_ID }, NOW)).toThrow(
      ValidationError,
    )
    try {
      readMicrosoftRegistration({ clientId: CLIENT_ID, clientSecret: CLIENT_ID }, NOW)
    } catch (error) {
      expect((error as ValidationError).problems.client_secret?.[0]?.description).toContain("secret's value")
    }
  })

  it('is refused field by field', async () => {
    const privateKey = pemOf(key)
    const stranger = pemOf(await newSigningKey())
    expect(fieldsRefused({})).toEqual(['client_secret'])
    expect(fieldsRefused({ clientId: 'Mandate' })).toEqual(['client_id', 'client_secret'])
    expect(fieldsRefused({ certificate: 'x', privateKey })).toEqual(['certificate'])
    expect(fieldsRefused({ privateKey })).toEqual(['certificate'])
    expect(fieldsRefused({ certificate })).toEqual(['private_key'])
    expect(fieldsRefused({ certificate, privateKey: 'x' })).toEqual(['private_key'])
    expect(fieldsRefused({ certificate, privateKey: stranger })).toEqual(['private_key'])
    const tooLarge = complaintsOf({ certificate, privateKey: rsaKeyOfNoPrimes(16_384) }, NOW)
    expect(tooLarge.private_key?.[0]?.description).toBe('This RSA key has more than 8192 bits.')
    expect(fieldsRefused({ certificate, privateKey, clientSecret: 's' })).toEqual(['client_secret'])
    const federatedTokenFile = 'relative/path'
    expect(fieldsRefused({ federatedTokenFile })).toEqual(['federated_token_file'])
    expect(fieldsRefused({ federatedTokenFile, clientSecret: 's' })).toEqual(['client_secret'])
  })

  it('is told what is wrong with a certificate’s dates', () => {
    const privateKey = pemOf(key)
    const said = (now: Date) => complaintsOf({ certificate, privateKey }, now).certificate?.[0]?.description
    expect(said(new Date('2200-01-01'))).toMatch(/^This certificate expired on 20\d\d-\d\d-\d\d\./)
    expect(said(new Date('2020-01-01'))).toMatch(/^This certificate is not valid before 20\d\d-\d\d-\d\d\.$/)
  })

  it('is read with an encrypted private key and its password, and says which of the two is missing', () => {
    const form = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'open' } as const
    const privateKey = key.export(form) as string
    const said = (password?: string) =>
      complaintsOf({ certificate, privateKey, password }, NOW).password?.[0]?.description
    expect(said()).toBe('This private key is encrypted: enter its password as well.')
    expect(said('shut')).toBe('This password does not open the private key.')
    expect(said('open')).toBeUndefined()
  })

  it('keeps the chain behind a certificate, and sends it where that is asked for', async () => {
    const other = selfSignedCertificate(await newSigningKey(), 'issuer.test')
    const typed = { clientId: CLIENT_ID, certificate: certificate + other, privateKey: pemOf(key), sendChain: true }
    const { proof } = readMicrosoftRegistration(typed, NOW)
    expect(proof).toMatchObject({ kind: 'certificate', sendChain: true })
    expect(proof.kind === 'certificate' && proof.certificatePem.match(/BEGIN CERTIFICATE/g)).toHaveLength(2)
  })

  it.each([
    ['AES', PFX_WITH_AES],
    ['triple DES', PFX_WITH_TRIPLE_DES],
  ])('is read from a PFX file under %s', (_, pfx) => {
    const { proof } = readMicrosoftRegistration({ clientId: CLIENT_ID, pfx, password: PFX_PASSWORD }, NOW)
    if (proof.kind !== 'certificate') throw new Error('not a certificate')
    const certificate = new X509Certificate(proof.certificatePem)
    expect(certificate.checkPrivateKey(createPrivateKey(proof.privateKey.reveal()))).toBe(true)
  })

  it.each([
    ['a wrong password', { pfx: PFX_WITH_AES, password: 'shut' }, 'password', /does not open the PFX/],
    ['no password', { pfx: PFX_WITH_AES }, 'password', /does not open the PFX/],
    ['old encryption', { pfx: PFX_WITH_RC2, password: PFX_PASSWORD }, 'pfx', /RC2.*Export it again/],
    ['no private key', { pfx: PFX_WITHOUT_KEY, password: PFX_PASSWORD }, 'pfx', /private key/],
    ['something else', { pfx: Buffer.from('hello').toString('base64') }, 'pfx', /not a PFX/],
  ])('is refused with a PFX file and %s', (_, typed, field, complaint) => {
    const complaints = complaintsOf(typed, NOW)
    expect(Object.keys(complaints)).toEqual([field])
    expect(complaints[field]?.[0]?.description).toMatch(complaint)
  })
})

describe('a Microsoft tenant that was typed in', () => {
  it.each([
    [' Contoso.onmicrosoft.com ', 'contoso.onmicrosoft.com'],
    [CLIENT_ID, CLIENT_ID.toLowerCase()],
  ])('may be %s', (typed, read) => {
    expect(readMicrosoftTenant(typed)).toBe(read)
  })

  it.each(['', 'contoso', 'common', 'https://contoso.com', 'contoso.com/x', '../contoso.com', 'a b.com'])(
    'may not be %p',
    (typed) => {
      expect(() => readMicrosoftTenant(typed)).toThrow(ValidationError)
    },
  )
})
