import { Module } from '@nestjs/common'
import { AuditModule } from '#domain/audit/audit.module.js'
import { ClientsModule } from '#domain/clients/clients.module.js'
import { CredentialsModule } from '#domain/credentials/credentials.module.js'
import { RevocationModule } from '#domain/grants/revocation.module.js'
import { CountKeys } from '#platform/secrets/count-keys.js'
import { ResealValues } from '#platform/secrets/reseal-values.js'
import { RewrapDataKeys } from '#platform/secrets/rewrap-data-keys.js'
import { AllowProviderTokens } from './allow-provider-tokens.js'
import { CreateApiKey } from './create-api-key.js'
import { DisableClient } from './disable-client.js'
import { EndUserTokenSecrets } from './end-user-token-secrets.js'
import { ListApiKeys } from './list-api-keys.js'
import { ListClients } from './list-clients.js'
import { ListServiceAccounts } from './list-service-accounts.js'
import { RegisterClient } from './register-client.js'
import { RevokeApiKey } from './revoke-api-key.js'
import { RevokeServiceAccount } from './revoke-service-account.js'
import { RollBackServiceAccountCredential } from './roll-back-service-account-credential.js'
import { RotateClientSecret } from './rotate-client-secret.js'
import { RotateSecrets } from './rotate-secrets.js'
import { RotateUserTokenSecret } from './rotate-user-token-secret.js'
import { SetCredentialExpiry } from './set-credential-expiry.js'
import { SetUserTokenKeys } from './set-user-token-keys.js'
import { ShowClient } from './show-client.js'
import { ShowSecrets } from './show-secrets.js'
import { ShowServiceAccount } from './show-service-account.js'

const STEPS = [
  RegisterClient,
  ListClients,
  ShowClient,
  RotateClientSecret,
  RotateUserTokenSecret,
  EndUserTokenSecrets,
  SetUserTokenKeys,
  AllowProviderTokens,
  DisableClient,
  CreateApiKey,
  ListApiKeys,
  RevokeApiKey,
  RotateSecrets,
  ShowSecrets,
  ListServiceAccounts,
  ShowServiceAccount,
  RevokeServiceAccount,
  RollBackServiceAccountCredential,
  SetCredentialExpiry,
]

const KEYS = [RewrapDataKeys, ResealValues, CountKeys]

/** What an operator does. Two faces stand on the same steps: `/admin/v1` and the CLI. */
@Module({
  imports: [AuditModule, ClientsModule, CredentialsModule, RevocationModule],
  providers: [...STEPS, ...KEYS],
  exports: STEPS,
})
export class AdministrationModule {}
