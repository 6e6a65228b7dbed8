import type { FastifyError } from 'fastify'
import { ZodError, z } from 'zod'
import { type FaultRule, faultRuleSchema } from './fault-rules.js'
import { ImpossibleChange, schemaAsJson } from './mutation.js'
import type { StandIn } from './stand-in.js'

export const CONTROL_PREFIX = '/__sandbox/'

/** A seed of a hundred thousand mailboxes is some 20 MiB. */
const SEED_LIMIT_BYTES = 64 * 1024 * 1024

const journalQuerySchema = z.strictObject({
  method: z.string().optional(),
  path: z.string().optional(),
  subject: z.string().optional(),
  status: z.coerce.number().int().optional(),
  after: z.coerce.number().int().optional(),
  limit: z.coerce.number().int().positive().default(1_000),
})

const mutationCallSchema = z.looseObject({ mutation: z.string() })

/** `/__sandbox/`: look at a stand-in and change its world while it runs. Never journalled, never subject to faults. */
export function registerControlApi(standIn: StandIn): void {
  const { definition, journal, faults, mutations } = standIn
  standIn.http.register(
    async (http) => {
      http.setErrorHandler((error: FastifyError, _request, reply) => {
        const problems = problemsOf(error)
        return reply.code(problems ? 422 : (error.statusCode ?? 500)).send({ errors: problems ?? [error.message] })
      })

      http.get('/', async () => describe(standIn))

      http.get('/journal', async (request) => {
        const entries = journal.list(journalQuerySchema.parse(request.query))
        return { total: journal.total, entries }
      })
      http.delete('/journal', async (_request, reply) => {
        journal.clear()
        return reply.code(204).send()
      })

      http.get('/faults', async () => ({ faults: faults.list() }))
      http.post('/faults', async (request, reply) => reply.code(201).send(faults.add(request.body as FaultRule)))
      http.delete('/faults', async (_request, reply) => {
        faults.clear()
        return reply.code(204).send()
      })
      http.delete<{ Params: { id: string } }>('/faults/:id', async (request, reply) => {
        const removed = faults.remove(request.params.id)
        return removed ? reply.code(204).send() : reply.code(404).send({ errors: [`there is no ${request.params.id}`] })
      })

      http.get('/mutations', async () => ({ mutations: [...mutations.values()].map(describeMutation) }))
      http.post('/mutations', async (request) => {
        const { mutation, ...input } = mutationCallSchema.parse(request.body)
        return { done: mutation, result: (await standIn.mutate(mutation, input)) ?? null }
      })

      http.get('/state', async () => definition.state())
      http.get('/seed', async () => schemaAsJson(definition.seed.schema))
      http.post('/seed', { bodyLimit: SEED_LIMIT_BYTES }, async (request, reply) => {
        standIn.reseed(request.body)
        return reply.code(204).send()
      })
    },
    { prefix: CONTROL_PREFIX },
  )
}

/** One sentence for each thing that is wrong; null when it is not the caller's doing. */
function problemsOf(error: unknown): string[] | null {
  if (error instanceof ImpossibleChange) return [error.message]
  if (!(error instanceof ZodError)) return null
  return error.issues.map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`)
}

const describeMutation = ({ name, summary, schema }: { name: string; summary: string; schema: z.ZodType }) => ({
  name,
  summary,
  input: schemaAsJson(schema),
})

function describe({ definition, faults, mutations }: StandIn) {
  return {
    name: definition.name,
    about: definition.about,
    try: definition.tryThis,
    control: {
      'GET /__sandbox/journal?method=&path=&subject=&status=&after=&limit=': 'the last requests; DELETE forgets them',
      'GET /__sandbox/state': 'the world as it is now',
      'POST /__sandbox/seed':
        'replaces the world and sets its clock right; takes this part of a seed file; GET says what may be in it',
      'POST /__sandbox/mutations': 'changes the world: {"mutation": "<name>", …its input}',
      'POST /__sandbox/faults':
        'makes requests fail; GET lists the rules, DELETE removes all, DELETE …/faults/<id> one',
    },
    mutations: [...mutations.values()].map(describeMutation),
    fault: { rule: schemaAsJson(faultRuleSchema(definition.errors)), errors: faults.errors },
  }
}
