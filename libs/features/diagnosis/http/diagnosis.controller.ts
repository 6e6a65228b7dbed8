import { Controller, Get, UseGuards } from '@nestjs/common'
import { type Grant, ownServiceAccountOf } from '#domain/grants/grant.entity.js'
import { AccessTokenGuard, CallerGrant } from '#domain/grants/http/access-token.guard.js'
import { insufficientScope } from '#platform/errors/api-error.js'
import { Described } from '#platform/http/openapi/describe-route.js'
import { RateLimits } from '#platform/rate-limits/rate-limits.js'
import { DiagnoseServiceAccount } from '../diagnose-service-account.js'
import { DIAGNOSIS, toDiagnosisBody } from '../diagnosis.dto.js'

@Controller('v1/service_account')
@UseGuards(AccessTokenGuard)
export class DiagnosisController {
  constructor(
    private readonly diagnosing: DiagnoseServiceAccount,
    private readonly limits: RateLimits,
  ) {}

  @Get('diagnosis')
  @Described({
    ...DIAGNOSIS,
    access: 'access token',
    refusals: [403, 429],
  })
  async diagnose(@CallerGrant() grant: Grant) {
    const serviceAccountId = ownServiceAccountOf(grant)
    if (!serviceAccountId) throw insufficientScope('This needs the token of a service account, not of a mailbox.')
    await this.limits.diagnoses.count(serviceAccountId)
    return toDiagnosisBody(await this.diagnosing.diagnose(serviceAccountId))
  }
}
