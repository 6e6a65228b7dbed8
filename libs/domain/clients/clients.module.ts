import { MikroOrmModule } from '@mikro-orm/nestjs'
import { Module } from '@nestjs/common'
import { AuthenticateClient } from './authenticate-client.js'
import { Client, ClientSecret } from './client.entity.js'
import { Clients } from './clients.js'
import { SignCallback } from './sign-callback.js'

@Module({
  imports: [MikroOrmModule.forFeature([Client, ClientSecret])],
  providers: [Clients, AuthenticateClient, SignCallback],
  exports: [Clients, AuthenticateClient, SignCallback],
})
export class ClientsModule {}
