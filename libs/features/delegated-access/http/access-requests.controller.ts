import { Body, Controller, Get, Headers, HttpCode, Param, Post, Query, UseGuards } from '@nestjs/common'
import type { Grant } from '#domain/grants/grant.entity.js'
import { AccessTokenGuard, CallerGrant } from '#domain/grants/http/access-token.guard.js'
import { invalidField } from '#platform/errors/validation-error.js'
import { Described } from '#platform/http/openapi/describe-route.js'
import { readInput } from '#platform/http/read-input.js'
import { AcceptRequests, type AskedBatch } from '../accept-requests.js'
import { CancelRequest } from '../cancel-request.js'
import { FindRequests } from '../find-requests.js'
import { RedeliverCallback } from '../redeliver-callback.js'
import {
  askedDto,
  BATCH_FIELD,
  batchDto,
  idempotencyDto,
  listDto,
  singleDto,
  toAcceptedBody,
  toAttemptBody,
  toBody,
} from './access-request.dto.js'
import { acceptedAnswer, requestAnswer, requestListAnswer, shownRequestAnswer } from './access-request-answers.js'

/** Delegated access in the Cronofy dialect, and our own way to look at what became of it. */
@Controller('v1/service_account_authorizations')
@UseGuards(AccessTokenGuard)
export class AccessRequestsController {
  constructor(
    private readonly acceptRequests: AcceptRequests,
    private readonly requests: FindRequests,
    private readonly redeliverCallback: RedeliverCallback,
    private readonly cancelRequest: CancelRequest,
  ) {}

  @Post()
  @HttpCode(202)
  @Described({
    summary: 'Ask for access to mailboxes',
    details:
      'One mailbox, or a list of up to 50. All are accepted, or none. Each is called back at its `callback_url` with a ' +
      'code or an error. The same `Idempotency-Key` with the same body gives the same answer and starts nothing twice.',
    access: 'access token',
    headers: idempotencyDto,
    body: askedDto,
    answers: { 202: acceptedAnswer },
    refusals: [403, 409],
  })
  async request(@CallerGrant() grant: Grant, @Body() body: unknown, @Headers('idempotency-key') key?: string) {
    return toAcceptedBody(await this.acceptRequests.accept(grant, toBatch(body, key)))
  }

  @Get()
  @Described({
    summary: 'List requests, newest first',
    access: 'access token',
    query: listDto,
    answers: { 200: requestListAnswer },
    refusals: [403],
  })
  async list(@CallerGrant() grant: Grant, @Query() query: unknown) {
    const { rows, nextCursor } = await this.requests.list(grant, readInput(listDto, query))
    const circumstances = await this.requests.circumstancesOf(rows)
    const items = rows.map((request) => toBody(request, circumstances.get(request.id)))
    return { [BATCH_FIELD]: items, next_cursor: nextCursor }
  }

  @Get(':id')
  @Described({
    summary: 'Show a request, with every attempt to call back',
    access: 'access token',
    answers: { 200: shownRequestAnswer },
    refusals: [403],
  })
  async show(@CallerGrant() grant: Grant, @Param('id') id: string) {
    const request = await this.requests.get(grant, id)
    const attempts = await this.requests.attemptsOf(request.id)
    const circumstances = await this.requests.circumstancesOf([request])
    return { ...toBody(request, circumstances.get(request.id)), callback_attempts: attempts.map(toAttemptBody) }
  }

  @Post(':id/redeliver')
  @HttpCode(202)
  @Described({
    summary: 'Call back once more',
    access: 'access token',
    answers: { 202: requestAnswer },
    refusals: [403, 409],
  })
  async redeliver(@CallerGrant() grant: Grant, @Param('id') id: string) {
    return toBody(await this.redeliverCallback.redeliver(grant, id))
  }

  @Post(':id/cancel')
  @HttpCode(200)
  @Described({
    summary: 'Withdraw a request that has not been told',
    access: 'access token',
    answers: { 200: requestAnswer },
    refusals: [403, 409],
  })
  async cancel(@CallerGrant() grant: Grant, @Param('id') id: string) {
    return toBody(await this.cancelRequest.cancel(grant, id))
  }
}

function toBatch(body: unknown, key: string | undefined): AskedBatch {
  const idempotencyKey = readInput(idempotencyDto, { 'Idempotency-Key': key })['Idempotency-Key'] ?? null
  if (typeof body !== 'object' || body === null || !(BATCH_FIELD in body))
    return { items: [readInput(singleDto, body)], idempotencyKey, nameOf: () => '' }
  if ('email' in body || 'callback_url' in body)
    throw invalidField(BATCH_FIELD, 'errors.ambiguous', 'send either one request or a list, not both')
  const items = readInput(batchDto, body)[BATCH_FIELD]
  return { items, idempotencyKey, nameOf: (index) => `${BATCH_FIELD}[${index}]` }
}
