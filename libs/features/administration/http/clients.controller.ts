import { Body, Controller, Get, HttpCode, Param, Post, Query, UseGuards } from '@nestjs/common'
import { AdminKeyGuard } from '#platform/http/admin-key.guard.js'
import { readInput } from '#platform/http/read-input.js'
import {
  clientIdDto,
  newClientDto,
  pageDto,
  toClientBody,
  toPageBody,
  toRegisteredBody,
  toRotatedBody,
  toShownBody,
} from '../client.dto.js'
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
  async register(@Body() body: unknown) {
    return toRegisteredBody(await this.registerClient.register(readInput(newClientDto, body)))
  }

  @Get()
  async list(@Query() query: unknown) {
    return toPageBody(await this.listClients.list(readInput(pageDto, query)))
  }

  @Get(':id')
  async show(@Param() params: unknown) {
    const { id } = readInput(clientIdDto, params)
    return toShownBody(await this.showClient.show(id))
  }

  @Post(':id/secrets')
  async rotate(@Param() params: unknown) {
    const { id } = readInput(clientIdDto, params)
    return toRotatedBody(id, await this.rotateClientSecret.rotate(id))
  }

  @Post(':id/disable')
  @HttpCode(200)
  async disable(@Param() params: unknown) {
    const { id } = readInput(clientIdDto, params)
    return toClientBody(await this.disableClient.disable(id))
  }
}
