import { Controller, Get, UseGuards } from '@nestjs/common'
import type { Grant } from '#domain/grants/grant.entity.js'
import { AccessTokenGuard, CallerGrant } from '#domain/grants/http/access-token.guard.js'
import { insufficientScope } from '#platform/errors/api-error.js'
import { Described } from '#platform/http/openapi/describe-route.js'
import { DiagnoseServiceAccount } from '../diagnose-service-account.js'
import { diagnosisAnswer, toDiagnosisBody } from '../diagnosis.dto.js'

@Controller('v1/service_account')
@UseGuards(AccessTokenGuard)
export class DiagnosisController {
  constructor(private readonly diagnosing: DiagnoseServiceAccount) {}

  @Get('diagnosis')
  @Described({
    summary: 'Find out what is wrong with a service account',
    details: 'Tries everything live at the provider, which takes seconds. 200 also when something is wrong.',
    access: 'access token',
    answers: { 200: diagnosisAnswer },
    refusals: [403],
  })
  async diagnose(@CallerGrant() grant: Grant) {
    if (grant.accountId) throw insufficientScope('This needs the token of a service account, not of a mailbox.')
    return toDiagnosisBody(await this.diagnosing.diagnose(grant.serviceAccountId))
  }
}
