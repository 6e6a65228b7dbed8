import { Body, Controller, Get, HttpCode, Post, Query, UseGuards } from '@nestjs/common'
import { AdminKeyGuard } from '#platform/http/admin-key.guard.js'
import { Described } from '#platform/http/openapi/describe-route.js'
import { readInput } from '#platform/http/read-input.js'
import { FindDeadLetters } from '../find-dead-letters.js'
import { MeasureBacklog } from '../measure-backlog.js'
import { RedeliverDeadLetters } from '../redeliver-dead-letters.js'
import { backlogAnswer, deadLetterListAnswer, redeliveryAnswer } from './access-request-answers.js'
import {
  deadLetterListDto,
  redeliverDto,
  scopeOf,
  toBacklogBody,
  toDeadLetterBody,
  toRedeliveryBody,
} from './dead-letter.dto.js'

/** What the operator has to know and do when callbacks do not arrive. */
@Controller('admin/v1')
@UseGuards(AdminKeyGuard)
export class DeadLettersController {
  constructor(
    private readonly deadLetters: FindDeadLetters,
    private readonly redeliverDeadLetters: RedeliverDeadLetters,
    private readonly measureBacklog: MeasureBacklog,
  ) {}

  @Get('dead_letters')
  @Described({
    summary: 'List requests that were abandoned although there was something to tell, newest first',
    access: 'admin key',
    query: deadLetterListDto,
    answers: { 200: deadLetterListAnswer },
  })
  async list(@Query() query: unknown) {
    const { limit, cursor, ...named } = readInput(deadLetterListDto, query)
    const { rows, circumstances, nextCursor } = await this.deadLetters.list({ ...scopeOf(named), limit, cursor })
    const items = rows.map((request) => toDeadLetterBody(request, circumstances.get(request.id)))
    return { dead_letters: items, next_cursor: nextCursor }
  }

  @Post('dead_letters/redeliver')
  @HttpCode(202)
  @Described({
    summary: 'Call back once more about a batch of them',
    details: 'Repeat it with the `abandoned_before` of its answer until that is `done`.',
    access: 'admin key',
    body: redeliverDto,
    answers: { 202: redeliveryAnswer },
  })
  async redeliver(@Body() body: unknown) {
    const { abandoned_before, ...named } = readInput(redeliverDto, body)
    const { scope, of } = scopeOf(named)
    const before = abandoned_before === undefined ? undefined : new Date(abandoned_before)
    return toRedeliveryBody(await this.redeliverDeadLetters.redeliverSome(scope, of!, before))
  }

  @Get('backlog')
  @Described({
    summary: 'Say how far behind everything is, and which hosts fail',
    access: 'admin key',
    answers: { 200: backlogAnswer },
  })
  async backlog() {
    return toBacklogBody(await this.measureBacklog.measure())
  }
}
