import { Body, Controller, Get, HttpCode, Param, Post, Query, UseGuards } from '@nestjs/common'
import { AdminKeyGuard } from '#platform/http/admin-key.guard.js'
import { Described } from '#platform/http/openapi/describe-route.js'
import { readInput } from '#platform/http/read-input.js'
import {
  apiKeyIdDto,
  apiKeyPageDto,
  newApiKeyDto,
  toApiKeyBody,
  toApiKeyPageBody,
  toCreatedApiKeyBody,
} from '../api-key.dto.js'
import { apiKeyAnswer, apiKeyPageAnswer, createdApiKeyAnswer } from '../api-key-answers.js'
import { CreateApiKey } from '../create-api-key.js'
import { ListApiKeys } from '../list-api-keys.js'
import { RevokeApiKey } from '../revoke-api-key.js'

@Controller('admin/v1/keys')
@UseGuards(AdminKeyGuard)
export class ApiKeysController {
  constructor(
    private readonly createApiKey: CreateApiKey,
    private readonly listApiKeys: ListApiKeys,
    private readonly revokeApiKey: RevokeApiKey,
  ) {}

  @Post()
  @Described({
    summary: 'Make an API key for GraphQL',
    details: 'It is shown in this answer and never again.',
    access: 'admin key',
    body: newApiKeyDto,
    answers: { 201: createdApiKeyAnswer },
    refusals: [404, 409],
  })
  async create(@Body() body: unknown) {
    return toCreatedApiKeyBody(await this.createApiKey.create(readInput(newApiKeyDto, body)))
  }

  @Get()
  @Described({
    summary: 'List API keys, the ended ones too',
    access: 'admin key',
    query: apiKeyPageDto,
    answers: { 200: apiKeyPageAnswer },
  })
  async list(@Query() query: unknown) {
    return toApiKeyPageBody(await this.listApiKeys.list(readInput(apiKeyPageDto, query)))
  }

  @Post(':id/revoke')
  @HttpCode(200)
  @Described({
    summary: 'Revoke an API key, at once and in every process',
    access: 'admin key',
    answers: { 200: apiKeyAnswer },
  })
  async revoke(@Param() params: unknown) {
    const { id } = readInput(apiKeyIdDto, params)
    return toApiKeyBody(await this.revokeApiKey.revoke(id))
  }
}
