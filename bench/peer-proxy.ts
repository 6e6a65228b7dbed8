import httpProxy from '@fastify/http-proxy'
import Fastify from 'fastify'
import { onOrder } from './child.js'
import type { ProxyOrder, ProxyReady } from './floor-proxy.js'

/** The peer of a proxied read: `@fastify/http-proxy` as it comes, with a token put in. Nobody is asked who calls. */
onOrder(async ({ googleUrl, token }: ProxyOrder): Promise<ProxyReady> => {
  const http = Fastify()
  await http.register(httpProxy, {
    upstream: googleUrl,
    undici: { connections: 64 },
    replyOptions: {
      rewriteRequestHeaders: (_request, headers) => ({
        ...{ ...headers, authorization: `Bearer ${token}` },
        'x-provider-host': 'www.googleapis.com',
      }),
    },
  })
  return { url: await http.listen({ port: 0, host: '127.0.0.1' }) }
})
