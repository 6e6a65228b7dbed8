import { type ChildProcess, spawn } from 'node:child_process'
import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { decodeProtectedHeader } from 'jose'
import { Secret } from '#platform/secrets/secret.js'
import { newSigningKey, selfSignedCertificate } from '../../../../apps/sandbox/core/self-signed-certificate.js'
import type { MicrosoftCredential } from '../provider.port.js'
import { certificatesIn, clientProof } from './client-proof.js'

const APP = '5d0f3c1a-7b28-4e96-a1c4-3e8b9d2f6a70'

/** In a process of its own: it tells objects of Jest's realm from its own, and refuses them. */
const JUDGE = `
  import { createServer } from 'node:http'
  import { Provider } from 'oidc-provider'
  const [client_id, jwk] = process.argv.slice(1)
  const server = createServer().listen(0, '127.0.0.1', () => {
    const issuer = 'http://127.0.0.1:' + server.address().port
    const client = {
      client_id,
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'PS256',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      jwks: { keys: [JSON.parse(jwk)] },
    }
    const features = { clientCredentials: { enabled: true }, devInteractions: { enabled: false } }
    const enabledJWA = { clientAuthSigningAlgValues: ['PS256'] }
    server.on('request', new Provider(issuer, { clients: [client], enabledJWA, features }).callback())
    process.stdout.write(issuer)
  })
`

/** Somebody else's server, so that our assertion and our sandbox cannot share a mistake. */
describe('a certificate assertion, judged by oidc-provider', () => {
  let judge: ChildProcess
  let issuer: string
  let key: KeyObject

  beforeAll(async () => {
    key = await newSigningKey()
    const jwk = JSON.stringify({ ...createPublicKey(key).export({ format: 'jwk' }), use: 'sig' })
    judge = spawn(process.execPath, ['--input-type=module', '-e', JUDGE, APP, jwk], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const [line] = (await once(judge.stdout!, 'data')) as [Buffer]
    issuer = line.toString().trim()
  })
  afterAll(async () => {
    judge.kill()
    await once(judge, 'exit')
  })

  const credentialOf = (privateKey: KeyObject, sendChain = false): MicrosoftCredential => ({
    provider: 'microsoft',
    clientId: APP,
    cloud: null,
    proof: {
      kind: 'certificate',
      certificatePem: selfSignedCertificate(privateKey, 'mandate.test'),
      privateKey: new Secret(privateKey.export({ type: 'pkcs8', format: 'pem' }) as string),
      sendChain,
    },
  })
  const answerTo = async (privateKey: KeyObject, audience = `${issuer}/token`, now = new Date()) => {
    const proof = await clientProof(credentialOf(privateKey), audience, now)
    const form = new URLSearchParams({ client_id: APP, grant_type: 'client_credentials', ...proof })
    const answer = await fetch(`${issuer}/token`, { method: 'POST', body: form })
    return { status: answer.status, ...((await answer.json()) as Record<string, unknown>) }
  }

  it('is accepted', async () => {
    expect(await answerTo(key)).toMatchObject({ status: 200, token_type: 'Bearer' })
  })

  it('is refused by another key, for another audience, and after its ten minutes', async () => {
    const refused = { status: 401, error: 'invalid_client' }
    expect(await answerTo(await newSigningKey())).toMatchObject(refused)
    expect(await answerTo(key, 'https://elsewhere.test/token')).toMatchObject(refused)
    expect(await answerTo(key, undefined, new Date(Date.now() - 20 * 60_000))).toMatchObject(refused)
  })

  it('names the certificate by its SHA-256 thumbprint, and brings the chain only where that is asked for', async () => {
    const headerOf = async (sendChain: boolean) => {
      const credential = credentialOf(key, sendChain)
      const { client_assertion } = await clientProof(credential, `${issuer}/token`, new Date())
      return { header: decodeProtectedHeader(client_assertion ?? ''), credential }
    }
    const { header, credential } = await headerOf(false)
    if (credential.proof.kind !== 'certificate') throw new Error('not a certificate')
    const { fingerprint256 } = new X509Certificate(credential.proof.certificatePem)
    const thumbprint = Buffer.from(fingerprint256.replaceAll(':', ''), 'hex').toString('base64url')
    expect(header).toEqual({ alg: 'PS256', typ: 'JWT', 'x5t#S256': thumbprint })
    const chained = await headerOf(true)
    if (chained.credential.proof.kind !== 'certificate') throw new Error('not a certificate')
    const [own] = certificatesIn(chained.credential.proof.certificatePem)
    expect(chained.header.x5c).toEqual([own?.raw.toString('base64')])
  })
})
