import { Controller, Get, Inject } from '@nestjs/common'
import { z } from 'zod'
import { Database } from '#platform/database/database.js'
import { unavailable } from '#platform/errors/api-error.js'
import { Described } from '#platform/http/openapi/describe-route.js'
import { QUEUE_BACKEND, type QueueBackend } from '#platform/queues/queue-backend.js'

@Controller('health')
export class HealthController {
  constructor(
    private readonly database: Database,
    @Inject(QUEUE_BACKEND) private readonly queues: QueueBackend,
  ) {}

  /** The process answers. Asks no store: a restart would not mend a store. */
  @Get('live')
  @Described({
    summary: 'Whether the process answers',
    access: 'public',
    answers: { 200: z.strictObject({ status: z.literal('live') }) },
  })
  live() {
    return { status: 'live' }
  }

  /** This process can do its work. */
  @Get('ready')
  @Described({
    summary: 'Whether this process can do its work',
    access: 'public',
    answers: { 200: z.strictObject({ status: z.literal('ready'), queue: z.enum(['redis', 'postgres']) }) },
  })
  async ready() {
    const [database, queue] = await Promise.all([this.database.isReachable(), this.queues.isReachable()])
    if (!database) throw unavailable('PostgreSQL cannot be reached.', 5)
    if (!queue) throw unavailable(`The queue's store (${this.queues.kind}) cannot be reached.`, 5)
    return { status: 'ready', queue: this.queues.kind }
  }
}
