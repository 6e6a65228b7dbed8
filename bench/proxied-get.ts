import { assertionClaims, signAssertion, signingKey } from '#domain/providers/google/google-assertion.js'
import { roundTrips, strangers } from './callbacks.js'
import { startChild } from './child.js'
import type { ProxyOrder, ProxyReady } from './floor-proxy.js'
import type { Ground } from './ground.js'
import { load } from './load.js'
import { startMandate } from './mandate.js'
import { type Contender, compare, ofCalls, type Scenario } from './scenario.js'

const NAME = 'proxied-get'
const ROUND = 3_000
const SCOPE = 'https://www.googleapis.com/auth/calendar.events.readonly'

/** A mailbox's events through us, warm: its provider token is kept, and the read is on record for this hour. */
export const proxiedGet: Scenario = {
  name: NAME,
  about:
    'a calendar read through the proxy; floor: Fastify and undici, with a token put in; peer: @fastify/http-proxy, likewise',
  async run(ground, rounds, say) {
    const databaseUrl = await ground.createDatabase(NAME)
    await using mandate = await startMandate(ground, { databaseUrl, redisUrl: ground.redisUrl })
    const { email } = strangers().next().value
    const order = { googleUrl: ground.googleUrl, token: await providerToken(ground, email) }
    await using floor = await startChild<ProxyOrder, ProxyReady>('floor-proxy.js', order)
    await using peer = await startChild<ProxyOrder, ProxyReady>('peer-proxy.js', order)
    const worker = await mandate.startWorker()
    await roundTrips(ground, mandate, strangers(), 1)
    const { saas } = mandate
    const sdk = await saas.exchange(await lastCode(ground), `${ground.receiverUrl}/callbacks`)
    await worker.stop()
    const path = `/calendar/v3/calendars/${encodeURIComponent(email)}/events?maxResults=10`
    const reads = async (url: string, prefix: string, headers: Record<string, string>): Promise<Contender> => {
      const send = async () => {
        const { rate: figure, p99 } = await load(url, Array(ROUND).fill({ path: prefix + path, headers }))
        return { figure, p99 }
      }
      await send()
      return ofCalls(send)
    }
    const bearer = { authorization: `Bearer ${sdk.config.access_token}` }
    const contenders = {
      floor: await reads(floor.ready.url, '', {}),
      ours: await reads(mandate.url, '/v1/proxy/google', bearer),
      peer: await reads(peer.ready.url, '', {}),
    }
    const contest = { name: NAME, unit: 'reads/s', rounds, pieces: ROUND, directory: ground.directory, say }
    return [await compare(contest, contenders)]
  },
}

/** As ours has one: for the mailbox, from the service account's key. */
async function providerToken({ googleUrl, operator }: Ground, email: string): Promise<string> {
  const { client_email: issuer, private_key: pem } = operator.googleKeyFile
  const claims = assertionClaims({ issuer, subject: email, scopes: [SCOPE], now: new Date() })
  const assertion = await signAssertion(signingKey(pem, null), claims)
  const grant_type = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
  const body = new URLSearchParams({ grant_type, assertion })
  const answer = await fetch(`${googleUrl}/token`, { method: 'POST', body })
  const { access_token: token } = (await answer.json()) as { access_token?: string }
  if (!token) throw new Error(`The stand-in gave no token: ${answer.status}`)
  return token
}

async function lastCode({ receiverUrl }: Ground): Promise<string> {
  const answer = await fetch(`${receiverUrl}/__sandbox/deliveries?path=/callbacks&limit=1`)
  const { deliveries } = (await answer.json()) as { deliveries: { body: string }[] }
  return JSON.parse(deliveries[0]!.body).authorization.code
}
