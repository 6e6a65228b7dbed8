import { createPrivateKey, randomBytes } from 'node:crypto'

/** PEM. An RSA key of any size, made at once: nobody who reads a key checks that its factors are primes. */
export function rsaKeyOfNoPrimes(bits: number): string {
  const [p, q] = [odd(bits / 2), odd(bits / 2)]
  const product = (BigInt(`0x${p.toString('hex')}`) * BigInt(`0x${q.toString('hex')}`)).toString(16)
  const parts = {
    n: Buffer.from(product, 'hex'),
    d: odd(bits),
    p,
    q,
    dp: odd(bits / 2),
    dq: odd(bits / 2),
    qi: odd(bits / 2),
  }
  const encoded = Object.fromEntries(Object.entries(parts).map(([name, value]) => [name, value.toString('base64url')]))
  const key = createPrivateKey({ format: 'jwk', key: { kty: 'RSA', e: 'AQAB', ...encoded } })
  return key.export({ type: 'pkcs8', format: 'pem' }) as string
}

/** Its highest two bits are set, so that a product of two is as long as both. */
function odd(bits: number): Buffer {
  const number = randomBytes(bits / 8)
  number[0]! |= 0xc0
  number[number.length - 1]! |= 1
  return number
}
