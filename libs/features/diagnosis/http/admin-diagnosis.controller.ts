import { Controller, Get, Param, UseGuards } from '@nestjs/common'
import { AdminKeyGuard } from '#platform/http/admin-key.guard.js'
import { Described } from '#platform/http/openapi/describe-route.js'
import { readInput } from '#platform/http/read-input.js'
import { RateLimits } from '#platform/rate-limits/rate-limits.js'
import { DiagnoseServiceAccount } from '../diagnose-service-account.js'
import { DIAGNOSIS, diagnosedDto, toDiagnosisBody } from '../diagnosis.dto.js'

@Controller('admin/v1/service-accounts')
@UseGuards(AdminKeyGuard)
export class AdminDiagnosisController {
  constructor(
    private readonly diagnosing: DiagnoseServiceAccount,
    private readonly limits: RateLimits,
  ) {}

  @Get(':id/diagnosis')
  @Described({
    ...DIAGNOSIS,
    access: 'admin key',
    refusals: [422, 429],
  })
  async diagnose(@Param() params: unknown) {
    const { id } = readInput(diagnosedDto, params)
    await this.limits.diagnoses.count(id)
    return toDiagnosisBody(await this.diagnosing.diagnose(id))
  }
}
