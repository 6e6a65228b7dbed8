import { Controller, Get, HttpCode, Param, Post, Query, UseGuards } from '@nestjs/common'
import { AdminKeyGuard } from '#platform/http/admin-key.guard.js'
import { Described } from '#platform/http/openapi/describe-route.js'
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
import { revokedAnswer, serviceAccountAnswer, serviceAccountPageAnswer } from '../service-account-answers.js'
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
  @Described({
    summary: 'List service accounts, the revoked ones too',
    access: 'admin key',
    query: serviceAccountPageDto,
    answers: { 200: serviceAccountPageAnswer },
  })
  async list(@Query() query: unknown) {
    return toServiceAccountPageBody(await this.listServiceAccounts.list(readInput(serviceAccountPageDto, query)))
  }

  @Get(':id')
  @Described({
    summary: 'Show a service account',
    access: 'admin key',
    answers: { 200: serviceAccountAnswer },
    refusals: [422],
  })
  async show(@Param() params: unknown) {
    const { id } = readInput(serviceAccountIdDto, params)
    return toServiceAccountBody(await this.showServiceAccount.show(id))
  }

  @Post(':id/revoke')
  @HttpCode(200)
  @Described({
    summary: 'End a service account and everything under it, at once and in every process',
    access: 'admin key',
    answers: { 200: revokedAnswer },
    refusals: [422],
  })
  async revoke(@Param() params: unknown) {
    const { id } = readInput(serviceAccountIdDto, params)
    return toRevokedBody(await this.revokeServiceAccount.revoke(id))
  }
}
