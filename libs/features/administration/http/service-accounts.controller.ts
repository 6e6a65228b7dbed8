import { Body, Controller, Get, HttpCode, Param, Post, Put, Query, UseGuards } from '@nestjs/common'
import { AdminKeyGuard } from '#platform/http/admin-key.guard.js'
import { Described } from '#platform/http/openapi/describe-route.js'
import { readInput } from '#platform/http/read-input.js'
import { ListServiceAccounts } from '../list-service-accounts.js'
import { RevokeServiceAccount } from '../revoke-service-account.js'
import { RollBackServiceAccountCredential } from '../roll-back-service-account-credential.js'
import {
  credentialExpiryDto,
  serviceAccountIdDto,
  serviceAccountPageDto,
  toRevokedBody,
  toServiceAccountBody,
  toServiceAccountPageBody,
} from '../service-account.dto.js'
import { revokedAnswer, serviceAccountAnswer, serviceAccountPageAnswer } from '../service-account-answers.js'
import { SetCredentialExpiry } from '../set-credential-expiry.js'
import { ShowServiceAccount } from '../show-service-account.js'

@Controller('admin/v1/service-accounts')
@UseGuards(AdminKeyGuard)
export class ServiceAccountsController {
  constructor(
    private readonly listServiceAccounts: ListServiceAccounts,
    private readonly showServiceAccount: ShowServiceAccount,
    private readonly revokeServiceAccount: RevokeServiceAccount,
    private readonly rollBackCredential: RollBackServiceAccountCredential,
    private readonly setCredentialExpiry: SetCredentialExpiry,
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

  @Post(':id/rollback_credential')
  @HttpCode(200)
  @Described({
    summary: 'Go back to what a service account acted with before its last consent',
    details: 'They change places, so a second time undoes it. It is probed at once.',
    access: 'admin key',
    answers: { 200: serviceAccountAnswer },
    refusals: [409, 422],
  })
  async rollBack(@Param() params: unknown) {
    const { id } = readInput(serviceAccountIdDto, params)
    return toServiceAccountBody(await this.rollBackCredential.rollBack(id))
  }

  @Put(':id/credential_expiry')
  @Described({
    summary: "Say when an organisation's own credential expires",
    details: 'Its client is warned 30, 14, 7 and 1 days before. A certificate says so itself.',
    access: 'admin key',
    body: credentialExpiryDto,
    answers: { 200: serviceAccountAnswer },
    refusals: [404, 409],
  })
  async setExpiry(@Param() params: unknown, @Body() body: unknown) {
    const { id } = readInput(serviceAccountIdDto, params)
    return toServiceAccountBody(
      await this.setCredentialExpiry.set(id, readInput(credentialExpiryDto, body).credential_expires_at),
    )
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
