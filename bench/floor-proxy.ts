import Fastify from 'fastify'
import { Pool } from 'undici'
import { onOrder } from './child.js'

/** The floor of a proxied read: Fastify and undici, which pass one call on with a token put in, and nothing around it. */
export interface ProxyOrder {
  googleUrl: string
  token: string
}
export interface ProxyReady {
  url: string
}

onOrder(async ({ googleUrl, token }: ProxyOrder): Promise<ProxyReady> => {
  const google = new Pool(googleUrl, { connections: 64 })
  const http = Fastify()
  http.get('/*', async ({ url }, reply) => {
    const headers = { authorization: `Bearer ${token}`, 'x-provider-host': 'www.googleapis.com' }
    const answer = await google.request({ method: 'GET', path: url, headers })
    reply.code(answer.statusCode).header('content-type', answer.headers['content-type'])
    return reply.send(answer.body)
  })
  return { url: await http.listen({ port: 0, host: '127.0.0.1' }) }
})
