import { Module } from '@nestjs/common'
import { ClientsModule } from '#domain/clients/clients.module.js'
import { CredentialsModule } from '#domain/credentials/credentials.module.js'
import { DisableClient } from './disable-client.js'
import { ListClients } from './list-clients.js'
import { RegisterClient } from './register-client.js'
import { RotateClientSecret } from './rotate-client-secret.js'
import { SetProviderCredential } from './set-provider-credential.js'
import { ShowClient } from './show-client.js'
import { ShowProviderCredentials } from './show-provider-credentials.js'

const STEPS = [
  RegisterClient,
  ListClients,
  ShowClient,
  RotateClientSecret,
  DisableClient,
  SetProviderCredential,
  ShowProviderCredentials,
]

/** What an operator does. Two faces stand on the same steps: `/admin/v1` and the CLI. */
@Module({ imports: [ClientsModule, CredentialsModule], providers: STEPS, exports: STEPS })
export class AdministrationModule {}
