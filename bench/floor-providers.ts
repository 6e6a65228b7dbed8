import { createPrivateKey, sign } from 'node:crypto'
import { Pool } from 'undici'
import type { OperatorCredentials } from '../apps/sandbox/seed/default-seed.js'

/** `least`: what anybody needs to act as a mailbox. `same`: the calls that Mandate makes for one, in its order. */
export type Calls = 'least' | 'same'

/** Comes to act as this mailbox. @returns the token to act with */
export type ActAs = (email: string, calls: Calls) => Promise<string>

export interface FloorAt {
  url: string
  credential: OperatorCredentials
  /** Only at Google: its tokens hold the scopes that were asked for. */
  scope: string
}

const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

/**
 * At Google a token for each mailbox: one RS256 signature, and one call to the token endpoint, which verifies it. Mandate
 * asks the calendar and `userinfo` too, side by side.
 */
export function atGoogle({ url, credential: { googleKeyFile }, scope }: FloorAt, connections: number): ActAs {
  const google = new Pool(url, { connections })
  const key = createPrivateKey(googleKeyFile.private_key)
  const mint = async (sub: string) => {
    const now = Math.floor(Date.now() / 1000)
    const times = { iat: now, exp: now + 3600 }
    const aud = 'https://oauth2.googleapis.com/token'
    const claims = { iss: googleKeyFile.client_email, sub, scope, aud, ...times }
    const signed = `${encoded({ alg: 'RS256' })}.${encoded(claims)}`
    const assertion = `${signed}.${sign('RSA-SHA256', Buffer.from(signed), key).toString('base64url')}`
    return tokenFrom(google, '/token', { grant_type: JWT_BEARER, assertion })
  }
  return async (email, calls) => {
    const token = await mint(email)
    if (calls === 'same')
      await Promise.all([
        read(google, '/calendar/v3/users/me/calendarList/primary', token, 'www.googleapis.com'),
        read(google, '/v1/userinfo', token, 'openidconnect.googleapis.com'),
      ])
    return token
  }
}

/**
 * At Microsoft one token for all: the calendar is the call that shows that it opens this mailbox. Mandate asks first who has
 * the address, and whether it is a room's.
 */
export function atMicrosoft(
  { url, credential: { microsoftApp } }: FloorAt,
  connections: number,
  tenant: string,
): ActAs {
  const microsoft = new Pool(url, { connections })
  const { clientId: client_id, clientSecret: client_secret } = microsoftApp
  const scope = 'https://graph.microsoft.com/.default'
  const form = { grant_type: 'client_credentials', client_id, client_secret, scope }
  let minted: Promise<string> | undefined
  return async (email, calls) => {
    minted ??= tokenFrom(microsoft, `/${tenant}/oauth2/v2.0/token`, form)
    const token = await minted
    const ask = (path: string) => read(microsoft, `/v1.0${path}`, token, 'graph.microsoft.com')
    if (calls === 'same') {
      await ask(`/users/${email}?$select=id,userPrincipalName,mail,proxyAddresses,accountEnabled,displayName`)
      await ask(`/places/${email}`)
    }
    await ask(`/users/${email}/calendar?$select=id,name,owner`)
    return token
  }
}

async function tokenFrom(pool: Pool, path: string, form: Record<string, string>): Promise<string> {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const answer = await pool.request({ path, method: 'POST', headers, body: new URLSearchParams(form).toString() })
  if (answer.statusCode !== 200) throw new Error(`${path} answered ${answer.statusCode}: ${await answer.body.text()}`)
  return ((await answer.body.json()) as { access_token: string }).access_token
}

/** A person's address is no place's: there 404 is the answer. */
async function read(pool: Pool, path: string, token: string, host: string): Promise<void> {
  const headers = { authorization: `Bearer ${token}`, 'x-provider-host': host }
  const answer = await pool.request({ path, method: 'GET', headers })
  const isWanted = answer.statusCode === 200 || (answer.statusCode === 404 && path.includes('/places/'))
  if (!isWanted) throw new Error(`${path} answered ${answer.statusCode}: ${await answer.body.text()}`)
  await answer.body.text()
}

const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
