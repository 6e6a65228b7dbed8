import { generateKeyPairSync } from 'node:crypto'
import { ValidationError } from '#platform/errors/validation-error.js'
import type { GoogleCredential } from '../provider.port.js'
import { rsaKeyOfNoPrimes } from '../testing/rsa-key-of-no-primes.js'
import { readGoogleKeyFile, readGoogleKeyFiles } from './google-credential.js'
import { readGoogleWorkloadIdentity } from './read-workload-identity.js'

const pemOf = (bits: number) =>
  generateKeyPairSync('rsa', { modulusLength: bits }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
const PEM = pemOf(2048)

const FILE = {
  type: 'service_account',
  project_id: 'project',
  private_key_id: '5b1c0d2e3f',
  private_key: PEM,
  client_email: 'mandate@project.iam.gserviceaccount.com',
  client_id: '108844220066113355779',
  token_uri: 'https://evil.test/token',
  universe_domain: 'googleapis.com',
}
const read = (changes: object = {}) => readGoogleKeyFile(JSON.stringify({ ...FILE, ...changes }))

const keysOf = (proof: GoogleCredential['proof']) =>
  proof.kind === 'keys' ? proof.keys.map(({ id, privateKey }) => [id, privateKey.reveal()]) : null

const problemsWith = (text: string) => {
  try {
    readGoogleKeyFile(text)
  } catch (error) {
    if (error instanceof ValidationError) return error.problems
    throw error
  }
  return null
}
const fieldsRefused = (changes: object) => Object.keys(problemsWith(JSON.stringify({ ...FILE, ...changes })) ?? {})

describe('a service account key file', () => {
  it('is read for what signing needs, and for nothing else', () => {
    const { proof, ...rest } = read()
    expect(rest).toEqual({ provider: 'google', clientEmail: FILE.client_email, clientId: FILE.client_id })
    expect(keysOf(proof)).toEqual([[FILE.private_key_id, PEM]])
  })

  it('may have been through tools that leave white space or doubled backslashes', () => {
    const { clientEmail, proof } = read({
      client_email: ` ${FILE.client_email}\n`,
      private_key: PEM.replaceAll('\n', '\\n'),
    })
    expect(clientEmail).toBe(FILE.client_email)
    expect(keysOf(proof)).toEqual([[FILE.private_key_id, PEM]])
  })

  it('may lack the id of the key and the universe', () => {
    const { proof } = read({ private_key_id: undefined, universe_domain: undefined })
    expect(keysOf(proof)).toEqual([[null, PEM]])
  })

  it.each([
    ['type', { type: 'authorized_user' }],
    [
      'type',
      { type: 'external_account', token_url: 'https://evil.test', credential_source: { executable: { command: 'x' } } },
    ],
    ['type', { type: undefined }],
    ['client_email', { client_email: undefined }],
    ['client_email', { client_email: 'somebody@example.com' }],
    ['client_id', { client_id: 'mandate@project.iam.gserviceaccount.com' }],
    ['client_id', { client_id: undefined }],
    ['private_key', { private_key: undefined }],
    ['private_key', { private_key: 'not a key' }],
    ['private_key', { private_key: pemOf(1024) }],
    ['private_key', { private_key: rsaKeyOfNoPrimes(16_384) }],
    ['universe_domain', { universe_domain: 'evil.test' }],
  ])('is refused at %s: %j', (field, changes) => {
    expect(fieldsRefused(changes)).toEqual([`key_file.${field}`])
  })

  it('names all fields at once', () => {
    expect(fieldsRefused({ type: 'x', client_id: 'y', universe_domain: 'z' })).toEqual([
      'key_file.type',
      'key_file.client_id',
      'key_file.universe_domain',
    ])
  })

  it.each(['', 'hello', '[]', 'null', '"x"', PEM])('is refused as a whole when it is no JSON object: %#', (text) => {
    expect(Object.keys(problemsWith(text) ?? {})).toEqual(['key_file'])
  })

  it('is never repeated in a complaint', () => {
    const hush = 'hush-hush-hush'
    const all = Object.fromEntries(Object.keys(FILE).map((name) => [name, hush]))
    expect(JSON.stringify(problemsWith(JSON.stringify(all)))).not.toContain(hush)
    expect(JSON.stringify(problemsWith(hush))).not.toContain(hush)
  })
})

describe('several key files', () => {
  const file = (changes: object = {}) => JSON.stringify({ ...FILE, ...changes })
  const refused = (files: string[]) => {
    try {
      readGoogleKeyFiles(files)
    } catch (error) {
      return Object.keys((error as ValidationError).problems)
    }
    return []
  }

  it('become one credential, with the keys in their order', () => {
    const { clientEmail, proof } = readGoogleKeyFiles([
      file({ private_key_id: 'new' }),
      file({ private_key_id: 'old' }),
    ])
    expect(clientEmail).toBe(FILE.client_email)
    expect(keysOf(proof)).toEqual([
      ['new', PEM],
      ['old', PEM],
    ])
  })

  it('must be of one account, at most five, and are named by their place', () => {
    expect(refused([file(), file({ client_id: '200000000000000000000' })])).toEqual(['key_file'])
    expect(refused([])).toEqual(['key_file'])
    expect(refused(Array.from({ length: 6 }, () => file()))).toEqual(['key_file'])
    expect(refused([file(), file({ private_key: 'x' })])).toEqual(['key_file[1].private_key'])
  })
})

describe('a workload identity', () => {
  const CONFIGURATION = {
    type: 'external_account',
    audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/provider',
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    token_url: 'https://sts.googleapis.com/v1/token',
    credential_source: { file: '/var/run/secrets/token' },
  }
  const refused = (changes: object, account: object = {}) => {
    const configuration = JSON.stringify({ ...CONFIGURATION, ...changes })
    try {
      readGoogleWorkloadIdentity({
        configuration,
        service_account: FILE.client_email,
        client_id: FILE.client_id,
        ...account,
      })
    } catch (error) {
      return Object.keys((error as ValidationError).problems)
    }
    return []
  }

  it('is taken from a file, a URL or AWS', () => {
    expect(refused({})).toEqual([])
    expect(
      refused({ credential_source: { url: 'http://169.254.169.254/token', headers: { Metadata: 'True' } } }),
    ).toEqual([])
    expect(
      refused({ credential_source: { environment_id: 'aws1', regional_cred_verification_url: 'https://x' } }),
    ).toEqual([])
  })

  it.each([
    ['.configuration.type', { type: 'service_account' }],
    ['.configuration.token_url', { token_url: 'https://evil.test/token' }],
    ['.configuration.token_url', { token_url: 'https://sts.googleapis.com.evil.test/v1/token' }],
    ['.configuration.service_account_impersonation_url', { service_account_impersonation_url: 'https://evil.test/' }],
    ['.configuration.audience', { audience: 'https://evil.test' }],
    ['.configuration.credential_source.executable', { credential_source: { executable: { command: 'x' } } }],
    ['.configuration.credential_source', { credential_source: {} }],
    ['.configuration.universe_domain', { universe_domain: 'evil.test' }],
  ])('is refused at %s: %j', (field, changes) => {
    expect(refused(changes)).toContain(`workload_identity${field}`)
  })

  it('names the service account that Google is to sign for', () => {
    expect(refused({}, { service_account: undefined })).toEqual(['workload_identity.service_account'])
    expect(refused({}, { client_id: 'x' })).toEqual(['workload_identity.client_id'])
    expect(refused({}, { configuration: '{' })).toEqual(['workload_identity.configuration'])
  })
})
