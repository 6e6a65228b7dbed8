import type { FastifyReply } from 'fastify'
import { z } from 'zod'

/** A whole answer, written down: what a fault rule sends, and what a refusal of the real provider looks like. */
export const answerSchema = z
  .strictObject({
    status: z.int().min(200).max(599),
    headers: z.record(z.string(), z.string()).optional(),
    json: z.json().optional(),
    text: z.string().optional(),
    html: z.string().optional(),
  })
  .refine(({ json, text, html }) => [json, text, html].filter((body) => body !== undefined).length <= 1, {
    error: 'has more than one body: give json, text or html',
  })

export type Answer = z.infer<typeof answerSchema>

/** Thrown by a handler to answer as the provider would refuse; the stand-in's error handler sends it. */
export class Refused extends Error {
  constructor(readonly answer: Answer) {
    super(`refused with ${answer.status}`)
    this.name = 'Refused'
  }
}

export function sendAnswer(reply: FastifyReply, answer: Answer): FastifyReply {
  reply.code(answer.status)
  if (answer.html !== undefined) reply.type('text/html; charset=utf-8')
  else if (answer.text !== undefined) reply.type('text/plain; charset=utf-8')
  else if (answer.json !== undefined) reply.type('application/json; charset=utf-8')
  if (answer.headers) reply.headers(answer.headers)
  return reply.send(answer.html ?? answer.text ?? (answer.json === undefined ? undefined : JSON.stringify(answer.json)))
}
