import { generateKeyPairSync } from 'node:crypto'
import { ValidationError } from '#platform/errors/validation-error.js'
import { readGoogleKeyFile } from './google-credential.js'

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
    const { privateKey, ...rest } = read()
    expect(rest).toEqual({
      provider: 'google',
      clientEmail: FILE.client_email,
      privateKeyId: FILE.private_key_id,
      clientId: FILE.client_id,
    })
    expect(privateKey.reveal()).toBe(PEM)
  })

  it('may have been through tools that leave white space or doubled backslashes', () => {
    const { clientEmail, privateKey } = read({
      client_email: ` ${FILE.client_email}\n`,
      private_key: PEM.replaceAll('\n', '\\n'),
    })
    expect(clientEmail).toBe(FILE.client_email)
    expect(privateKey.reveal()).toBe(PEM)
  })

  it('may lack the id of the key and the universe', () => {
    expect(read({ private_key_id: undefined, universe_domain: undefined }).privateKeyId).toBeNull()
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
