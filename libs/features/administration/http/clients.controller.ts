import { Body, Controller, Get, HttpCode, Param, Post, Query, UseGuards } from '@nestjs/common'
import { AdminKeyGuard } from '#platform/http/admin-key.guard.js'
import { Described } from '#platform/http/openapi/describe-route.js'
import { readInput } from '#platform/http/read-input.js'
import {
  clientIdDto,
  newClientDto,
  pageDto,
  toDisabledBody,
  toPageBody,
  toRegisteredBody,
  toRotatedBody,
  toShownBody,
} from '../client.dto.js'
import { disabledAnswer, pageAnswer, registeredAnswer, rotatedAnswer, shownAnswer } from '../client-answers.js'
import { DisableClient } from '../disable-client.js'
import { ListClients } from '../list-clients.js'
import { RegisterClient } from '../register-client.js'
import { RotateClientSecret } from '../rotate-client-secret.js'
import { ShowClient } from '../show-client.js'

@Controller('admin/v1/clients')
@UseGuards(AdminKeyGuard)
export class ClientsController {
  constructor(
    private readonly registerClient: RegisterClient,
    private readonly listClients: ListClients,
    private readonly showClient: ShowClient,
    private readonly rotateClientSecret: RotateClientSecret,
    private readonly disableClient: DisableClient,
  ) {}

  @Post()
  @Described({
    summary: 'Register a client',
    details: 'Its secrets are shown in this answer and never again.',
    access: 'admin key',
    body: newClientDto,
    answers: { 201: registeredAnswer },
  })
  async register(@Body() body: unknown) {
    return toRegisteredBody(await this.registerClient.register(readInput(newClientDto, body)))
  }

  @Get()
  @Described({ summary: 'List clients', access: 'admin key', query: pageDto, answers: { 200: pageAnswer } })
  async list(@Query() query: unknown) {
    return toPageBody(await this.listClients.list(readInput(pageDto, query)))
  }

  @Get(':id')
  @Described({ summary: 'Show a client', access: 'admin key', answers: { 200: shownAnswer }, refusals: [422] })
  async show(@Param() params: unknown) {
    const { id } = readInput(clientIdDto, params)
    return toShownBody(await this.showClient.show(id))
  }

  @Post(':id/secrets')
  @Described({
    summary: 'Add a client secret',
    details: 'The one before works on for a day.',
    access: 'admin key',
    answers: { 201: rotatedAnswer },
    refusals: [409],
  })
  async rotate(@Param() params: unknown) {
    const { id } = readInput(clientIdDto, params)
    return toRotatedBody(id, await this.rotateClientSecret.rotate(id))
  }

  @Post(':id/disable')
  @HttpCode(200)
  @Described({
    summary: 'Switch a client off, and end all that it was granted',
    access: 'admin key',
    answers: { 200: disabledAnswer },
  })
  async disable(@Param() params: unknown) {
    const { id } = readInput(clientIdDto, params)
    return toDisabledBody(await this.disableClient.disable(id))
  }
}
