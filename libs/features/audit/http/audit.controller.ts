import { Controller, Get, Param, Query, UseGuards } from '@nestjs/common'
import { FindEvents } from '#domain/audit/find-events.js'
import { AdminKeyGuard } from '#platform/http/admin-key.guard.js'
import { Described } from '#platform/http/openapi/describe-route.js'
import { readInput } from '#platform/http/read-input.js'
import { Signer } from '#platform/secrets/signer.js'
import {
  addressDto,
  dayDto,
  eventPageDto,
  toEventPageBody,
  toHeadsBody,
  toReadersBody,
  toSelection,
  toVerificationBody,
  verificationDto,
} from '../audit.dto.js'
import { eventPageAnswer, headsAnswer, readersAnswer, verificationAnswer } from '../audit-answers.js'
import { ListAuditEvents } from '../list-audit-events.js'
import { ShowReaders } from '../show-readers.js'
import { VerifyAudit } from '../verify-audit.js'

@Controller('admin/v1/audit')
@UseGuards(AdminKeyGuard)
export class AuditController {
  constructor(
    private readonly listAuditEvents: ListAuditEvents,
    private readonly verifyAudit: VerifyAudit,
    private readonly showReaders: ShowReaders,
    private readonly events: FindEvents,
    private readonly signer: Signer,
  ) {}

  @Get('events')
  @Described({
    summary: 'List what was done, by client and in the order of its chain',
    access: 'admin key',
    query: eventPageDto,
    answers: { 200: eventPageAnswer },
  })
  async list(@Query() query: unknown) {
    const { limit, cursor, ...selection } = readInput(eventPageDto, query)
    return toEventPageBody(await this.listAuditEvents.list(toSelection(selection), { after: cursor, limit }))
  }

  /** To be kept where whoever can write to the database cannot. */
  @Get('heads')
  @Described({
    summary: 'Show the signed heads of all chains',
    details: 'Keep them elsewhere: what is cut off later, together with its head, is found by them alone.',
    access: 'admin key',
    answers: { 200: headsAnswer },
  })
  async heads() {
    return toHeadsBody(await this.events.heads(), this.signer.publicKey())
  }

  @Get('verification')
  @Described({
    summary: 'Verify one chain, or all',
    details: 'Follows every row; for long chains `mandate audit verify` shows how far it is.',
    access: 'admin key',
    query: verificationDto,
    answers: { 200: verificationAnswer },
    refusals: [404],
  })
  async verify(@Query() query: unknown) {
    const { client } = readInput(verificationDto, query)
    return toVerificationBody(await Array.fromAsync(this.verifyAudit.verify({ clientId: client })))
  }

  @Get('mailboxes/:address/readers')
  @Described({
    summary: 'Tell who could read a mailbox on a day, and who did',
    access: 'admin key',
    query: dayDto,
    answers: { 200: readersAnswer },
  })
  async readers(@Param() params: unknown, @Query() query: unknown) {
    const { address } = readInput(addressDto, params)
    const { on } = readInput(dayDto, query)
    return toReadersBody(address, on, await this.showReaders.show(address, on))
  }
}
