import { Body, Controller, Get, HttpCode, Param, Post, Put, Query, UseGuards } from '@nestjs/common'
import { AdminKeyGuard } from '#platform/http/admin-key.guard.js'
import { Described } from '#platform/http/openapi/describe-route.js'
import { readInput } from '#platform/http/read-input.js'
import {
  eventListDto,
  eventPageAnswer,
  eventUrlAnswer,
  eventUrlClientDto,
  eventUrlDto,
  redeliverEventsDto,
  redeliveredAnswer,
  toEventPageBody,
  toEventUrlBody,
  toRedeliveredBody,
} from '../event.dto.js'
import { ListEvents } from '../list-events.js'
import { RedeliverEvents } from '../redeliver-events.js'
import { SetEventUrl } from '../set-event-url.js'

/** Which changes clients were told of, and where they are told. */
@Controller('admin/v1')
@UseGuards(AdminKeyGuard)
export class EventsController {
  constructor(
    private readonly listEvents: ListEvents,
    private readonly redeliverEvents: RedeliverEvents,
    private readonly setEventUrl: SetEventUrl,
  ) {}

  @Put('clients/:id/event_url')
  @Described({
    summary: 'Set where a client is told of changes',
    details:
      'A URL on one of its callback origins. It is POSTed `service_account.failing` and the like, signed as callbacks are.',
    access: 'admin key',
    body: eventUrlDto,
    answers: { 200: eventUrlAnswer },
  })
  async set(@Param() params: unknown, @Body() body: unknown) {
    const { id } = readInput(eventUrlClientDto, params)
    return toEventUrlBody(await this.setEventUrl.set(id, readInput(eventUrlDto, body).event_url))
  }

  @Get('events')
  @Described({
    summary: 'List the events that clients were told of, or are to be, newest first',
    access: 'admin key',
    query: eventListDto,
    answers: { 200: eventPageAnswer },
  })
  async list(@Query() query: unknown) {
    return toEventPageBody(await this.listEvents.list(readInput(eventListDto, query)))
  }

  @Post('events/redeliver')
  @HttpCode(202)
  @Described({
    summary: 'Tell abandoned events once more',
    access: 'admin key',
    body: redeliverEventsDto,
    answers: { 202: redeliveredAnswer },
  })
  async redeliver(@Body() body: unknown) {
    const { abandoned_before: before, ...named } = readInput(redeliverEventsDto, body)
    return toRedeliveredBody(await this.redeliverEvents.redeliverSome(named, before ? new Date(before) : undefined))
  }
}
