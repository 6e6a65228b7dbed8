import { Module } from '@nestjs/common'
import { AuthenticateApiKey } from './authenticate-api-key.js'
import { ApiKeyGuard } from './http/api-key.guard.js'

/** For routes that take an API key: `@UseGuards(ApiKeyGuard)` and `@CallerKey()`. */
@Module({
  providers: [AuthenticateApiKey, ApiKeyGuard],
  exports: [AuthenticateApiKey, ApiKeyGuard],
})
export class ApiKeysModule {}
