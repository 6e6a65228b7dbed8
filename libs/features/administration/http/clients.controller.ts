import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query, UseGuards } from '@nestjs/common'
import { AdminKeyGuard } from '#platform/http/admin-key.guard.js'
import { Described } from '#platform/http/openapi/describe-route.js'
import { readInput } from '#platform/http/read-input.js'
import { AllowProviderTokens } from '../allow-provider-tokens.js'
import {
  clientIdDto,
  newClientDto,
  pageDto,
  providerTokensDto,
  toDisabledBody,
  toEndedUserTokenSecretsBody,
  toPageBody,
  toRegisteredBody,
  toRotatedBody,
  toRotatedUserTokenSecretBody,
  toShownBody,
  userTokenKeysDto,
} from '../client.dto.js'
import {
  disabledAnswer,
  endedUserTokenSecretsAnswer,
  pageAnswer,
  registeredAnswer,
  rotatedAnswer,
  rotatedUserTokenSecretAnswer,
  shownAnswer,
} from '../client-answers.js'
import { DisableClient } from '../disable-client.js'
import { EndUserTokenSecrets } from '../end-user-token-secrets.js'
import { ListClients } from '../list-clients.js'
import { RegisterClient } from '../register-client.js'
import { RotateClientSecret } from '../rotate-client-secret.js'
import { RotateUserTokenSecret } from '../rotate-user-token-secret.js'
import { SetUserTokenKeys } from '../set-user-token-keys.js'
import { ShowClient } from '../show-client.js'

@Controller('admin/v1/clients')
@UseGuards(AdminKeyGuard)
export class ClientsController {
  constructor(
    private readonly registerClient: RegisterClient,
    private readonly listClients: ListClients,
    private readonly showClient: ShowClient,
    private readonly rotateClientSecret: RotateClientSecret,
    private readonly rotateUserTokenSecret: RotateUserTokenSecret,
    private readonly endUserTokenSecrets: EndUserTokenSecrets,
    private readonly setUserTokenKeys: SetUserTokenKeys,
    private readonly allowProviderTokens: AllowProviderTokens,
    private readonly disableClient: DisableClient,
  ) {}

  @Post()
  @Described({
    summary: 'Register a client',
    details: 'Its secrets are shown in this answer and never again.',
    access: 'admin key',
    body: newClientDto,
    answers: { 201: registeredAnswer },
  })
  async register(@Body() body: unknown) {
    return toRegisteredBody(await this.registerClient.register(readInput(newClientDto, body)))
  }

  @Get()
  @Described({ summary: 'List clients', access: 'admin key', query: pageDto, answers: { 200: pageAnswer } })
  async list(@Query() query: unknown) {
    return toPageBody(await this.listClients.list(readInput(pageDto, query)))
  }

  @Get(':id')
  @Described({ summary: 'Show a client', access: 'admin key', answers: { 200: shownAnswer }, refusals: [422] })
  async show(@Param() params: unknown) {
    const { id } = readInput(clientIdDto, params)
    return toShownBody(await this.showClient.show(id))
  }

  @Post(':id/secrets')
  @Described({
    summary: 'Add a client secret',
    details: 'The one before works on for a day.',
    access: 'admin key',
    answers: { 201: rotatedAnswer },
    refusals: [409],
  })
  async rotate(@Param() params: unknown) {
    const { id } = readInput(clientIdDto, params)
    return toRotatedBody(id, await this.rotateClientSecret.rotate(id))
  }

  @Post(':id/user_token_secrets')
  @Described({
    summary: 'Add a secret for user tokens',
    details: 'It is shown in this answer and never again. The one before works on for a day.',
    access: 'admin key',
    answers: { 201: rotatedUserTokenSecretAnswer },
    refusals: [409],
  })
  async rotateUserTokens(@Param() params: unknown) {
    const { id } = readInput(clientIdDto, params)
    return toRotatedUserTokenSecretBody(id, await this.rotateUserTokenSecret.rotate(id))
  }

  @Delete(':id/user_token_secrets')
  @Described({
    summary: 'End all secrets for user tokens at once',
    access: 'admin key',
    answers: { 200: endedUserTokenSecretsAnswer },
  })
  async endUserTokens(@Param() params: unknown) {
    const { id } = readInput(clientIdDto, params)
    return toEndedUserTokenSecretsBody(id, await this.endUserTokenSecrets.end(id))
  }

  @Put(':id/jwks')
  @Described({
    summary: 'Set the keys that verify user tokens',
    details: 'Public keys (`jwks`), or where the client publishes them (`jwks_uri`), in place of what was there.',
    access: 'admin key',
    body: userTokenKeysDto,
    answers: { 200: shownAnswer },
  })
  async setJwks(@Param() params: unknown, @Body() body: unknown) {
    const { id } = readInput(clientIdDto, params)
    return toShownBody(await this.setUserTokenKeys.set(id, readInput(userTokenKeysDto, body)))
  }

  @Delete(':id/jwks')
  @Described({
    summary: 'Take away the keys that verify user tokens',
    access: 'admin key',
    answers: { 200: shownAnswer },
  })
  async removeJwks(@Param() params: unknown) {
    const { id } = readInput(clientIdDto, params)
    return toShownBody(await this.setUserTokenKeys.set(id, null))
  }

  @Put(':id/provider_tokens')
  @Described({
    summary: "Say whether a client may be given the provider's own tokens",
    details:
      'By token exchange (RFC 8693). What it holds then opens the mailbox at the provider itself, past the proxy, until ' +
      'it expires. No client may unless this says so.',
    access: 'admin key',
    body: providerTokensDto,
    answers: { 200: shownAnswer },
  })
  async setProviderTokens(@Param() params: unknown, @Body() body: unknown) {
    const { id } = readInput(clientIdDto, params)
    const { allowed } = readInput(providerTokensDto, body)
    return toShownBody(await this.allowProviderTokens.set(id, allowed))
  }

  @Post(':id/disable')
  @HttpCode(200)
  @Described({
    summary: 'Switch a client off, and end all that it was granted',
    access: 'admin key',
    answers: { 200: disabledAnswer },
  })
  async disable(@Param() params: unknown) {
    const { id } = readInput(clientIdDto, params)
    return toDisabledBody(await this.disableClient.disable(id))
  }
}
