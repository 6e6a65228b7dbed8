import { Body, Controller, Get, HttpCode, Param, Post, Put, Query, UseGuards } from '@nestjs/common'
import type { z } from 'zod'
import { AdminKeyGuard } from '#platform/http/admin-key.guard.js'
import { Described } from '#platform/http/openapi/describe-route.js'
import { readInput } from '#platform/http/read-input.js'
import {
  ownerDto,
  registeredProviderDto,
  registrationDtos,
  setRegistrationDto,
  toRegistrationBody,
} from '../registration.dto.js'
import { registrationAnswer, registrationsAnswer } from '../registration-answers.js'
import { RollBackProviderCredential } from '../roll-back-provider-credential.js'
import { SetProviderCredential } from '../set-provider-credential.js'
import { ShowProviderCredentials } from '../show-provider-credentials.js'

const described = (provider: string, body: z.ZodType) =>
  Described({
    summary: `Set the registration at ${provider}`,
    details:
      'For every client, or with `client` for that one alone. A new credential is first tried on a mailbox of those who act with the one that it replaces.',
    access: 'admin key',
    query: setRegistrationDto,
    body,
    answers: { 200: registrationAnswer },
    refusals: [409, 503],
  })

/** The operator's registrations at Google and Microsoft. Secrets go in and never come out. */
@Controller('admin/v1/providers')
@UseGuards(AdminKeyGuard)
export class ProvidersController {
  constructor(
    private readonly setProviderCredential: SetProviderCredential,
    private readonly rollBackProviderCredential: RollBackProviderCredential,
    private readonly showProviderCredentials: ShowProviderCredentials,
  ) {}

  @Get()
  @Described({
    summary: "List the operator's and clients' registrations at providers",
    access: 'admin key',
    answers: { 200: registrationsAnswer },
  })
  async show() {
    return { providers: (await this.showProviderCredentials.show()).map(toRegistrationBody) }
  }

  @Put('google')
  @described('Google', registrationDtos.google)
  setGoogle(@Body() body: unknown, @Query() query: unknown) {
    return this.#set('google', body, query)
  }

  @Put('microsoft')
  @described('Microsoft', registrationDtos.microsoft)
  setMicrosoft(@Body() body: unknown, @Query() query: unknown) {
    return this.#set('microsoft', body, query)
  }

  @Post(':provider/rollback')
  @HttpCode(200)
  @Described({
    summary: 'Go back to the credential before this one',
    details: 'They change places, so a second time undoes it.',
    access: 'admin key',
    query: ownerDto,
    answers: { 200: registrationAnswer },
    refusals: [404, 409, 422],
  })
  async rollBack(@Param() params: unknown, @Query() query: unknown) {
    const { provider } = readInput(registeredProviderDto, params)
    const { client } = readInput(ownerDto, query)
    return toRegistrationBody(await this.rollBackProviderCredential.rollBack(provider, client ?? null))
  }

  async #set(provider: keyof typeof registrationDtos, body: unknown, query: unknown) {
    const { client, untested } = readInput(setRegistrationDto, query)
    const typed = readInput(registrationDtos[provider], body)
    return toRegistrationBody(await this.setProviderCredential.set(typed, client ?? null, untested === 'true'))
  }
}
