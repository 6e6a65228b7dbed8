import { Controller, Get, Param, UseGuards } from '@nestjs/common'
import { AdminKeyGuard } from '#platform/http/admin-key.guard.js'
import { Described } from '#platform/http/openapi/describe-route.js'
import { readInput } from '#platform/http/read-input.js'
import { DiagnoseServiceAccount } from '../diagnose-service-account.js'
import { diagnosedDto, diagnosisAnswer, toDiagnosisBody } from '../diagnosis.dto.js'

@Controller('admin/v1/service-accounts')
@UseGuards(AdminKeyGuard)
export class AdminDiagnosisController {
  constructor(private readonly diagnosing: DiagnoseServiceAccount) {}

  @Get(':id/diagnosis')
  @Described({
    summary: 'Find out what is wrong with a service account',
    details: 'Tries everything live at the provider, which takes seconds. 200 also when something is wrong.',
    access: 'admin key',
    answers: { 200: diagnosisAnswer },
    refusals: [422],
  })
  async diagnose(@Param() params: unknown) {
    const { id } = readInput(diagnosedDto, params)
    return toDiagnosisBody(await this.diagnosing.diagnose(id))
  }
}
