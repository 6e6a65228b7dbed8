import { createPublicKey, randomBytes, sign } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { newSigningKey } from '../core/self-signed-certificate.js'
import { LIFETIME_SECONDS } from './access-tokens.js'
import { callerOf } from './api-caller.js'
import { refusal } from './errors.js'
import type { GoogleWorld, ServiceAccount } from './google-world.js'
import { apiScopes, parseScopes } from './scopes.js'
import { textFields } from './text-fields.js'

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const AWS = 'urn:ietf:params:aws:token-type:aws4_request'
const IAM = apiScopes('cloud-platform', 'iam')

/** `<address>:<method>`. */
type OfAccount = { Params: { call: string } }

/** sts.googleapis.com and iamcredentials.googleapis.com: acting as a service account without holding a key of it. */
export function registerWorkloadIdentityRoutes(http: FastifyInstance, world: GoogleWorld): void {
  /** RFC 8693. */
  http.post('/v1/token', async (request) => {
    const { grant_type, audience = '', subject_token, subject_token_type, scope = '' } = textFields(request)
    if (grant_type !== TOKEN_EXCHANGE || !subject_token) throw refusal('google.workload_identity_refused/request')
    const principals = world.workloadIdentities.get(audience)
    if (!principals) throw refusal('google.workload_identity_refused/target')
    const shown = subject_token_type === AWS ? awsAccessKeyOf(subject_token, audience) : subject_token
    const principal = principals[shown ?? '']
    if (!principal) throw refusal('google.workload_identity_refused')
    const subject = { email: principal, clientId: audience }
    const token = world.tokens.issue({ subject, clientId: audience, scopes: parseScopes(scope), consent: null })
    return {
      access_token: token,
      issued_token_type: ACCESS_TOKEN,
      token_type: 'Bearer',
      expires_in: LIFETIME_SECONDS,
    }
  })

  http.post<OfAccount>('/v1/projects/-/serviceAccounts/:call', async (request) => {
    const [address = '', method] = request.params.call.split(':')
    const account = accountFor(world, request, address)
    switch (method) {
      case 'signJwt':
        return signJwt(account, (request.body ?? {}) as { payload?: unknown })
      case 'generateAccessToken': {
        const scopes = new Set((request.body as { scope?: string[] } | null)?.scope)
        const accessToken = world.tokens.issue({ subject: account, clientId: account.clientId, scopes, consent: null })
        const expireTime = new Date(world.clock.nowMs() + LIFETIME_SECONDS * 1000).toISOString()
        return { accessToken, expireTime }
      }
      default:
        throw refusal('google.credential_unknown_issuer/iam')
    }
  })
}

/** Google tells apart a missing account and a missing role only to those who may know that the account exists; here to all. */
function accountFor(world: GoogleWorld, request: FastifyRequest<OfAccount>, address: string): ServiceAccount {
  const caller = callerOf(world, request, IAM)
  const account = world.serviceAccounts.get(address)
  if (!account || account.disabled) throw refusal('google.credential_unknown_issuer/iam')
  if (!account.tokenCreators.has(caller.subject.email)) throw refusal('google.token_creator_missing')
  return account
}

async function signJwt(account: ServiceAccount, { payload }: { payload?: unknown }) {
  // A string, not an object: so says Google's reference, and so it is easily got wrong.
  if (typeof payload !== 'string') throw refusal('google.workload_identity_refused/payload')
  account.systemKey ??= newSystemKey(account)
  const { id: keyId, privateKey } = await account.systemKey
  const header = JSON.stringify({ alg: 'RS256', kid: keyId, typ: 'JWT' })
  const signed = [header, payload].map((part) => Buffer.from(part).toString('base64url')).join('.')
  const signature = sign('RSA-SHA256', Buffer.from(signed), privateKey).toString('base64url')
  return { keyId, signedJwt: `${signed}.${signature}` }
}

async function newSystemKey(account: ServiceAccount) {
  const privateKey = await newSigningKey()
  const id = randomBytes(20).toString('hex')
  account.keys.push({ id, publicKey: createPublicKey(privateKey), disabled: false })
  return { id, privateKey }
}

/** The access key in the signature of a `GetCallerIdentity` that was signed for this audience; AWS would check the signature. */
function awsAccessKeyOf(subjectToken: string, audience: string): string | null {
  try {
    const { url, headers } = JSON.parse(decodeURIComponent(subjectToken)) as {
      url: string
      headers: { key: string; value: string }[]
    }
    const header = (name: string) => headers.find(({ key }) => key.toLowerCase() === name)?.value ?? ''
    const forUs =
      header('x-goog-cloud-target-resource') === audience && new URL(url).hostname.endsWith('.amazonaws.com')
    return forUs ? (/Credential=([A-Z0-9]+)\//.exec(header('authorization'))?.[1] ?? null) : null
  } catch {
    return null
  }
}
