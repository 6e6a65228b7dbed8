import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { CONTROL_PREFIX } from '../core/control-api.js'
import { ShiftableClock } from '../core/shiftable-clock.js'
import { StandIn } from '../core/stand-in.js'
import { answerInTurn, DRIP_HEADER, dripping, RECEIVER_ERRORS } from './answers.js'
import { type Delivery, DeliveryLog } from './delivery-log.js'

declare module 'fastify' {
  interface FastifyRequest {
    rawBody: Buffer
    delivery: Delivery | null
  }
}

/** Awaited before the delivery is answered, so it may already trade the code that came with it. */
export type DeliveryListener = (delivery: Delivery) => unknown

/**
 * A client's callback receiver: keeps every request as it came and answers 200, unless a fault rule of its control API
 * says otherwise. A delivery is kept whatever happens to its answer.
 */
export class Receiver {
  readonly standIn: StandIn
  readonly deliveries: DeliveryLog
  readonly #clock = new ShiftableClock()
  readonly #listeners = new Set<DeliveryListener>()

  constructor(capacity = 10_000) {
    this.deliveries = new DeliveryLog(capacity)
    this.standIn = new StandIn({
      name: 'receiver',
      about: "A client's callback receiver: keeps what is sent to it and answers 200.",
      tryThis: [
        'POST /anything',
        'GET /__sandbox/deliveries?path=&contains=&since=&limit= (DELETE forgets them)',
        'POST /__sandbox/mutations {"mutation": "answer-in-turn", "path": "/hook", "answers": [503, 503, 200]}',
        'POST /__sandbox/faults {"contains": "client=7", "error": "unavailable/retry_after", "times": 1}',
        `POST /__sandbox/faults {"path": "/hook", "answer": {"status": 200, "text": "slowly", "headers": {"${DRIP_HEADER}": "100"}}}`,
      ],
      clock: this.#clock,
      errors: RECEIVER_ERRORS,
      mutations: [answerInTurn(() => this.standIn)],
      seed: { schema: z.strictObject({}), load: () => this.deliveries.clear() },
      state: () => ({ deliveries: this.deliveries.total }),
      subjectOf: () => null,
      unreadable: (status, message) => ({ status, text: message }),
    })
    this.standIn.http.decorateRequest('rawBody', null as unknown as Buffer)
    this.standIn.http.decorateRequest('delivery', null)
    this.standIn.http.register(async (http) => this.#receive(http))
    this.standIn.http.register(async (http) => this.#showDeliveries(http))
  }

  get url(): string {
    return this.standIn.url
  }

  /** @returns how to stop listening */
  onDelivery(listener: DeliveryListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #receive(http: FastifyInstance): void {
    http.removeAllContentTypeParsers()
    http.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => {
      request.rawBody = body as Buffer
      // As text for fault rules that look into it.
      done(null, body.toString())
    })
    // Before the core's preHandler, where fault rules take over.
    http.addHook('preValidation', async (request) => {
      request.delivery = this.deliveries.add(this.#asDelivered(request))
      for (const listener of this.#listeners) await listener(request.delivery)
    })
    http.addHook('onSend', async (_request, reply, payload) => {
      const everyMs = Number(reply.getHeader(DRIP_HEADER))
      if (!everyMs || typeof payload !== 'string') return payload
      reply.removeHeader(DRIP_HEADER)
      reply.removeHeader('content-length')
      return Readable.from(dripping(payload, everyMs))
    })
    http.addHook('onResponse', async (request, reply) => {
      if (request.delivery) request.delivery.status = reply.statusCode
    })
    http.all('/*', async () => 'ok')
  }

  #asDelivered(request: FastifyRequest): Omit<Delivery, 'number' | 'status'> {
    const { method, url, headers, rawBody } = request
    return { at: this.#clock.now(), method, path: url, headers, body: rawBody ?? Buffer.alloc(0) }
  }

  #showDeliveries(http: FastifyInstance): void {
    const path = `${CONTROL_PREFIX}deliveries`
    http.get(path, async (request, reply) => {
      const filter = filterSchema.safeParse(request.query)
      if (!filter.success) return reply.code(422).send({ errors: filter.error.issues.map(({ message }) => message) })
      const found = this.deliveries.list(filter.data)
      return { total: this.deliveries.total, deliveries: found.map(asJson) }
    })
    http.delete(path, async (_request, reply) => {
      this.deliveries.clear()
      return reply.code(204).send()
    })
  }
}

export async function startReceiver({ port = 0, capacity = 10_000 } = {}): Promise<Receiver> {
  const receiver = new Receiver(capacity)
  await receiver.standIn.listen(port)
  return receiver
}

const filterSchema = z.strictObject({
  path: z.string().optional(),
  contains: z.string().optional(),
  since: z.coerce.number().int().optional(),
  limit: z.coerce.number().int().positive().default(1_000),
})

const asJson = ({ body, ...delivery }: Delivery) => ({
  ...delivery,
  body: body.toString(),
  /** What was signed, where the text above is not the same bytes. */
  bodyBase64: body.toString('base64'),
})
