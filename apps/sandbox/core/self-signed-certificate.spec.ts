import { createPublicKey, X509Certificate } from 'node:crypto'
import { newSigningKey, selfSignedCertificate } from './self-signed-certificate.js'

it('makes a certificate that others can read, verify and find valid today', async () => {
  const key = await newSigningKey()
  const certificate = new X509Certificate(selfSignedCertificate(key, 'sandbox.test'))
  expect(certificate.subject).toBe('CN=sandbox.test')
  expect(certificate.verify(createPublicKey(key))).toBe(true)
  expect(certificate.publicKey.equals(createPublicKey(key))).toBe(true)
  expect(new Date(certificate.validFrom).getTime()).toBeLessThan(Date.now())
  expect(new Date(certificate.validTo).getTime()).toBeGreaterThan(Date.now() + 3_600 * 24 * 3_600_000)
})
