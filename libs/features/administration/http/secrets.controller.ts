import { Body, Controller, Get, HttpCode, Post, UseGuards } from '@nestjs/common'
import { seconds } from '#platform/clock/clock.js'
import { AdminKeyGuard } from '#platform/http/admin-key.guard.js'
import { Described } from '#platform/http/openapi/describe-route.js'
import { readInput } from '#platform/http/read-input.js'
import { RotateSecrets, type Rotation } from '../rotate-secrets.js'
import { rotationDto, toRotationBody, toSecretsBody } from '../secrets.dto.js'
import { rotationAnswer, secretsAnswer } from '../secrets-answers.js'
import { ShowSecrets } from '../show-secrets.js'

/** Short of what proxies wait for an answer. */
const LONGEST_CALL = seconds(20)

/** The keys that secrets at rest hang on: their ids and how much is sealed with them, never the keys. */
@Controller('admin/v1/secrets')
@UseGuards(AdminKeyGuard)
export class SecretsController {
  constructor(
    private readonly showSecrets: ShowSecrets,
    private readonly rotateSecrets: RotateSecrets,
  ) {}

  @Get()
  @Described({
    summary: 'Show which keys secrets at rest hang on',
    access: 'admin key',
    answers: { 200: secretsAnswer },
  })
  async show() {
    return toSecretsBody(await this.showSecrets.show())
  }

  @Post('rotate')
  @HttpCode(200)
  @Described({
    summary: 'Bring secrets at rest under the first master key',
    details:
      'Does what fits into some twenty seconds, while requests run; `finished: false` asks for another call, without ' +
      '`data_keys`. That gives every client a new data key first.',
    access: 'admin key',
    body: rotationDto,
    answers: { 200: rotationAnswer },
  })
  async rotate(@Body() body: unknown) {
    const wanted = readInput(rotationDto, body ?? {})
    const begun = performance.now()
    let last: Rotation | undefined
    for await (const soFar of this.rotateSecrets.rotate(wanted)) {
      last = soFar
      if (performance.now() - begun > LONGEST_CALL) break
    }
    return toRotationBody(last!)
  }
}
