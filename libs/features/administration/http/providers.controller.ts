import { Body, Controller, Get, Put, Query, UseGuards } from '@nestjs/common'
import { AdminKeyGuard } from '#platform/http/admin-key.guard.js'
import { readInput } from '#platform/http/read-input.js'
import { ownerDto, registrationDtos, toRegistrationBody } from '../registration.dto.js'
import { SetProviderCredential } from '../set-provider-credential.js'
import { ShowProviderCredentials } from '../show-provider-credentials.js'

/** The operator's registrations at Google and Microsoft. Secrets go in and never come out. */
@Controller('admin/v1/providers')
@UseGuards(AdminKeyGuard)
export class ProvidersController {
  constructor(
    private readonly setProviderCredential: SetProviderCredential,
    private readonly showProviderCredentials: ShowProviderCredentials,
  ) {}

  @Get()
  async show() {
    return { providers: (await this.showProviderCredentials.show()).map(toRegistrationBody) }
  }

  @Put('google')
  setGoogle(@Body() body: unknown, @Query() query: unknown) {
    return this.#set('google', body, query)
  }

  @Put('microsoft')
  setMicrosoft(@Body() body: unknown, @Query() query: unknown) {
    return this.#set('microsoft', body, query)
  }

  async #set(provider: keyof typeof registrationDtos, body: unknown, query: unknown) {
    const { client } = readInput(ownerDto, query)
    const typed = readInput(registrationDtos[provider], body)
    return toRegistrationBody(await this.setProviderCredential.set(typed, client ?? null))
  }
}
