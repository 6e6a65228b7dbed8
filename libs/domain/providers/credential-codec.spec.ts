import { inspect } from 'node:util'
import { Secret } from '#platform/secrets/secret.js'
import { parseCredential, serialiseCredential } from './credential-codec.js'
import type { ProviderCredential } from './provider.port.js'

const CREDENTIALS: ProviderCredential[] = [
  {
    provider: 'google',
    clientEmail: 'mandate@project.iam.gserviceaccount.com',
    clientId: '108844220066113355779',
    proof: {
      kind: 'keys',
      keys: [{ id: null, privateKey: new Secret('-----BEGIN PRIVATE KEY-----\nhush\n-----END PRIVATE KEY-----\n') }],
    },
  },
  {
    provider: 'google',
    clientEmail: 'mandate@project.iam.gserviceaccount.com',
    clientId: '108844220066113355779',
    proof: { kind: 'workload-identity', configuration: new Secret('{"audience":"hush"}') },
  },
  {
    provider: 'microsoft',
    clientId: 'a-guid',
    cloud: 'china',
    proof: { kind: 'secret', clientSecret: new Secret('hush') },
  },
  {
    provider: 'microsoft',
    clientId: 'a-guid',
    cloud: null,
    proof: { kind: 'certificate', certificatePem: 'PEM', privateKey: new Secret('hush'), sendChain: true },
  },
  {
    provider: 'microsoft',
    clientId: 'a-guid',
    cloud: 'global',
    proof: { kind: 'federated', tokenFile: '/var/run/secrets/token' },
  },
]

/** Printed, all secrets are the same: this one is looked into. */
const secretIn = (credential: ProviderCredential): string | undefined => {
  const { proof } = credential
  switch (proof.kind) {
    case 'keys':
      return proof.keys.map(({ privateKey }) => privateKey.reveal()).join()
    case 'workload-identity':
      return proof.configuration.reveal()
    case 'secret':
      return proof.clientSecret.reveal()
    case 'certificate':
      return proof.privateKey.reveal()
    case 'federated':
      return undefined
  }
}

describe('the stored form of a credential', () => {
  it.each(CREDENTIALS)('holds all of it: %#', (credential) => {
    const text = serialiseCredential(credential)
    const parsed = parseCredential(text)
    expect(JSON.stringify(parsed)).toBe(JSON.stringify(credential))
    expect(secretIn(parsed)).toBe(secretIn(credential))
  })

  it.each(CREDENTIALS)('shows nothing of it when printed: %#', (credential) => {
    const text = serialiseCredential(credential)
    const printed = [inspect(text), String(text), JSON.stringify({ text, parsed: parseCredential(text) })].join()
    expect(printed).not.toContain('hush')
  })

  it.each(['', '{', '{"provider":"google"}', '{"provider":"hush"}'])('refuses %s without repeating it', (text) => {
    expect(() => parseCredential(new Secret(text))).toThrow('the stored provider credential cannot be read')
  })
})
