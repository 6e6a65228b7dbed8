import { Controller, Get, HttpCode, Param, Post, Query, UseGuards } from '@nestjs/common'
import { AdminKeyGuard } from '#platform/http/admin-key.guard.js'
import { readInput } from '#platform/http/read-input.js'
import { ListServiceAccounts } from '../list-service-accounts.js'
import { RevokeServiceAccount } from '../revoke-service-account.js'
import {
  serviceAccountIdDto,
  serviceAccountPageDto,
  toRevokedBody,
  toServiceAccountBody,
  toServiceAccountPageBody,
} from '../service-account.dto.js'
import { ShowServiceAccount } from '../show-service-account.js'

@Controller('admin/v1/service-accounts')
@UseGuards(AdminKeyGuard)
export class ServiceAccountsController {
  constructor(
    private readonly listServiceAccounts: ListServiceAccounts,
    private readonly showServiceAccount: ShowServiceAccount,
    private readonly revokeServiceAccount: RevokeServiceAccount,
  ) {}

  @Get()
  async list(@Query() query: unknown) {
    return toServiceAccountPageBody(await this.listServiceAccounts.list(readInput(serviceAccountPageDto, query)))
  }

  @Get(':id')
  async show(@Param() params: unknown) {
    const { id } = readInput(serviceAccountIdDto, params)
    return toServiceAccountBody(await this.showServiceAccount.show(id))
  }

  @Post(':id/revoke')
  @HttpCode(200)
  async revoke(@Param() params: unknown) {
    const { id } = readInput(serviceAccountIdDto, params)
    return toRevokedBody(await this.revokeServiceAccount.revoke(id))
  }
}
