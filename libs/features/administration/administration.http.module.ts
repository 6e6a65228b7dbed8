import { Module } from '@nestjs/common'
import { AdministrationModule } from './administration.module.js'
import { ApiKeysController } from './http/api-keys.controller.js'
import { ClientsController } from './http/clients.controller.js'
import { ProvidersController } from './http/providers.controller.js'
import { SecretsController } from './http/secrets.controller.js'
import { ServiceAccountsController } from './http/service-accounts.controller.js'
import { RegistrationsModule } from './registrations.module.js'

@Module({
  imports: [AdministrationModule, RegistrationsModule],
  controllers: [
    ClientsController,
    ApiKeysController,
    ProvidersController,
    SecretsController,
    ServiceAccountsController,
  ],
})
export class AdministrationHttpModule {}
