import { MikroOrmModule } from '@mikro-orm/nestjs'
import { Module } from '@nestjs/common'
import { ApiKey } from './api-key.entity.js'
import { ApiKeys } from './api-keys.js'
import { AuthenticateClient } from './authenticate-client.js'
import { Client, ClientSecret, UserTokenSecret } from './client.entity.js'
import { Clients } from './clients.js'
import { SignCallback } from './sign-callback.js'
import { UserTokenKeys } from './user-token-keys.js'

@Module({
  imports: [MikroOrmModule.forFeature([Client, ClientSecret, UserTokenSecret, ApiKey])],
  providers: [Clients, AuthenticateClient, SignCallback, UserTokenKeys, ApiKeys],
  exports: [Clients, AuthenticateClient, SignCallback, UserTokenKeys, ApiKeys],
})
export class ClientsModule {}
