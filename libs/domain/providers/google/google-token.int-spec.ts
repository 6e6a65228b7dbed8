import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { decodeJwt, jwtVerify } from 'jose'
import { OAuth2Server } from 'oauth2-mock-server'
import { SystemClock } from '#platform/clock/clock.js'
import { Log } from '#platform/observability/log.js'
import { Secret } from '#platform/secrets/secret.js'
import type { GoogleCredential } from '../provider.port.js'
import { ProviderHttp, providerDispatcher } from '../provider-http.js'
import type { ProviderTokens } from '../tokens/provider-tokens.js'
import type { Mint } from '../tokens/wanted-token.js'
import { GoogleHttp } from './google-http.js'
import { GoogleSigners } from './google-signers.js'
import { GoogleTokens } from './google-token.js'
import { WorkloadIdentity } from './workload-identity.js'

const TIMEOUT_MS = 20_000
const pemOf = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }) as string
const SCOPES = ['https://www.googleapis.com/auth/calendar.freebusy', 'https://www.googleapis.com/auth/calendar.events']

/** Two peers that share no line with us or with the sandbox: one parses the request, the other verifies the assertion. */
describe('a delegated token', () => {
  const server = new OAuth2Server()
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const credential: GoogleCredential = {
    provider: 'google',
    clientEmail: 'mandate@project.iam.gserviceaccount.com',
    clientId: '108844220066113355779',
    proof: { kind: 'keys', keys: [{ id: '5b1c0d2e3f', privateKey: new Secret(pemOf(privateKey)) }] },
  }
  const forms: Record<string, string>[] = []

  beforeAll(async () => {
    const jwk = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' })
    await server.issuer.keys.add({ ...jwk, kid: 'its own', alg: 'RS256' })
    await server.start(0, '127.0.0.1')
    server.service.on('beforeResponse', (_answer, request) => forms.push(request.body))
  })
  afterAll(() => server.stop())

  const mint = (subject: string) => {
    const url = new URL(`http://127.0.0.1:${server.address().port}`)
    const clock = new SystemClock()
    const http = new GoogleHttp(new ProviderHttp('google', providerDispatcher(url, TIMEOUT_MS), TIMEOUT_MS), clock, url)
    const signers = new GoogleSigners(http, new WorkloadIdentity(clock, url, TIMEOUT_MS))
    const atOnce = { mintAnew: ({ mint }: Mint) => mint() } as ProviderTokens
    return new GoogleTokens(atOnce, http, signers, clock, new Log('silent')).mintAnew(credential, subject, SCOPES)
  }

  it('is asked for as RFC 7523 says, by an assertion that Google can verify', async () => {
    const { token, lifetimeMs } = await mint('anna@acme.test')
    expect([decodeJwt(token).sub, lifetimeMs]).toEqual(['anna@acme.test', 3_600_000])
    const { grant_type, assertion, ...more } = forms.at(-1)!
    expect([grant_type, more]).toEqual(['urn:ietf:params:oauth:grant-type:jwt-bearer', {}])

    const { payload, protectedHeader } = await jwtVerify(assertion!, createPublicKey(privateKey), {
      algorithms: ['RS256'],
      issuer: credential.clientEmail,
      subject: 'anna@acme.test',
      audience: 'https://oauth2.googleapis.com/token',
      maxTokenAge: 60,
    })
    expect(protectedHeader).toEqual({ alg: 'RS256', typ: 'JWT', kid: '5b1c0d2e3f' })
    expect(payload.scope).toBe(SCOPES.join(' '))
    expect(payload.exp! - payload.iat!).toBe(3600)
  })

  it('keeps an address whole that has letters of its own', async () => {
    await mint('jörg+o’hara@bücher.test')
    expect(decodeJwt(forms.at(-1)!.assertion!).sub).toBe('jörg+o’hara@bücher.test')
  })
})
