import { createPrivateKey, type KeyObject } from 'node:crypto'
import { ValidationError } from '#platform/errors/validation-error.js'
import { newSigningKey, selfSignedCertificate } from '../../../../apps/sandbox/core/self-signed-certificate.js'
import { readMicrosoftRegistration, readMicrosoftTenant, type TypedRegistration } from './microsoft-registration.js'

const CLIENT_ID = '5D0F3C1A-7b28-4e96-a1c4-3e8b9d2f6a70'
const NOW = new Date()
const pemOf = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }) as string

const fieldsRefused = (typed: Partial<TypedRegistration>, now = NOW) => {
  try {
    readMicrosoftRegistration({ clientId: CLIENT_ID, ...typed }, now)
  } catch (error) {
    if (error instanceof ValidationError) return Object.keys(error.problems)
    throw error
  }
  return []
}

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
    expect(fieldsRefused({ certificate, privateKey, clientSecret: 's' })).toEqual(['client_secret'])
    expect(fieldsRefused({ certificate, privateKey }, new Date('2200-01-01'))).toEqual(['certificate'])
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
