import { Module } from '@nestjs/common'
import { AdministrationModule } from './administration.module.js'
import { ClientsController } from './http/clients.controller.js'
import { ProvidersController } from './http/providers.controller.js'
import { SecretsController } from './http/secrets.controller.js'
import { ServiceAccountsController } from './http/service-accounts.controller.js'

@Module({
  imports: [AdministrationModule],
  controllers: [ClientsController, ProvidersController, SecretsController, ServiceAccountsController],
})
export class AdministrationHttpModule {}
