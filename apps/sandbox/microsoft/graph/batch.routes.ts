import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { GraphError } from './graph-errors.js'

const batchSchema = z.object({
  requests: z
    .array(
      z.object({
        id: z.string(),
        method: z.enum(['GET', 'POST']),
        url: z.string().startsWith('/'),
        headers: z.record(z.string(), z.string()).optional(),
        body: z.unknown().optional(),
      }),
    )
    .max(20),
})

/** Up to twenty requests in one, each answered as if it had come by itself with the same bearer. */
export function registerBatchRoute(http: FastifyInstance): void {
  http.post('/$batch', async (request) => {
    const parsed = batchSchema.safeParse(request.body)
    if (!parsed.success) throw new GraphError('graph.bad_request', { what: 'Invalid batch payload format.' })
    const { authorization, host } = request.headers
    const responses = await Promise.all(
      parsed.data.requests.map(async ({ id, method, url, headers, body }) => {
        const answer = await http.inject({
          method,
          url: `/v1.0${url}`,
          headers: { ...headers, ...(authorization ? { authorization } : {}), ...(host ? { host } : {}) },
          ...(body === undefined ? {} : { payload: body as object }),
        })
        return { id, status: answer.statusCode, headers: { 'Content-Type': 'application/json' }, body: answer.json() }
      }),
    )
    return { responses }
  })
}
