import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { createEmulator } from 'emulate'
import { freePort } from '../../apps/demo/free-port.js'

export interface Bridge {
  url: URL
  /** Method and path of everything that came, as it came. */
  asked: string[]
  close(): Promise<void>
}

interface Differences {
  /** What the emulator calls itself in its tokens: the provider's own name. */
  issuer: string
  seed: object
  /** Where the emulator has what the provider has at this path. */
  pathAt: (path: string) => string
  /** What it leaves out of its discovery document. */
  discovery?: object
}

/**
 * The emulator behind the provider's own paths: it has some of them elsewhere, and the code under test knows only the
 * provider's. Nothing else is changed; forms, tokens and refusals are the emulator's.
 */
export async function openEmulator(service: 'google' | 'microsoft', differences: Differences): Promise<Bridge> {
  const { issuer: baseUrl, seed, pathAt, discovery } = differences
  const port = await freePort()
  const emulator = await createEmulator({ service, port, baseUrl, seed: { [service]: seed } })
  const asked: string[] = []
  const server = createServer(async (request, response) => {
    asked.push(`${request.method} ${request.url}`)
    const answer = await forwarded(request, `http://127.0.0.1:${port}${pathAt(request.url ?? '/')}`)
    const body = Buffer.from(await answer.arrayBuffer())
    const isDiscovery = discovery && request.url?.endsWith('/.well-known/openid-configuration')
    const headers = ['content-type', 'location'].flatMap((name) => {
      const value = answer.headers.get(name)
      return value === null ? [] : [[name, value] as const]
    })
    response.writeHead(answer.status, Object.fromEntries(headers))
    response.end(isDiscovery ? JSON.stringify({ ...JSON.parse(body.toString()), ...discovery }) : body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    asked,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await emulator.close()
    },
  }
}

async function forwarded(request: IncomingMessage, to: string): Promise<Response> {
  const { 'content-type': type, authorization } = request.headers
  const headers = { ...(type && { 'content-type': type }), ...(authorization && { authorization }) }
  const body = request.method === 'POST' ? await buffer(request) : undefined
  return fetch(to, { method: request.method ?? 'GET', headers, redirect: 'manual', ...(body && { body }) })
}
