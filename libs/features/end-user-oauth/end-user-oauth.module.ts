import { MikroOrmModule } from '@mikro-orm/nestjs'
import { Module } from '@nestjs/common'
import { ClientsModule } from '#domain/clients/clients.module.js'
import { CredentialsModule } from '#domain/credentials/credentials.module.js'
import { GrantsModule } from '#domain/grants/grants.module.js'
import { ProvidersModule } from '#domain/providers/providers.module.js'
import { AcceptPersonReturn } from './accept-person-return.js'
import { BeginConnecting } from './begin-connecting.js'
import { ConnectAccount } from './connect-account.js'
import { ConnectByServerCode } from './connect-by-server-code.js'
import { CreateIntegration } from './create-integration.js'
import { DeclineConnecting } from './decline-connecting.js'
import { DeleteIntegration } from './delete-integration.js'
import { DisconnectAccount } from './disconnect-account.js'
import { FindAccounts } from './find-accounts.js'
import { FindAuthorizations } from './find-authorizations.js'
import { FindIntegrations } from './find-integrations.js'
import { FindWayBack } from './find-way-back.js'
import { FinishConnecting } from './finish-connecting.js'
import { Integration } from './integration.entity.js'
import { LeaveForProvider } from './leave-for-provider.js'
import { OpenSignIn } from './open-sign-in.js'
import { PickProvider } from './pick-provider.js'
import { SignIn } from './sign-in.entity.js'
import { SignInRegistrations } from './sign-in-registrations.js'
import { SignIns } from './sign-ins.js'
import { StartConnecting } from './start-connecting.js'
import { TakeBackConsent } from './take-back-consent.js'

const STEPS = [
  ...[StartConnecting, AcceptPersonReturn, FinishConnecting],
  ...[FindAccounts, FindAuthorizations, DisconnectAccount],
  ...[BeginConnecting, OpenSignIn, PickProvider, DeclineConnecting, FindWayBack],
  ...[CreateIntegration, FindIntegrations, DeleteIntegration, ConnectByServerCode],
]

/** One person connects one account: the same steps for every dialect. */
@Module({
  imports: [
    ...[ClientsModule, CredentialsModule, GrantsModule, ProvidersModule],
    MikroOrmModule.forFeature([SignIn, Integration]),
  ],
  providers: [...STEPS, SignIns, SignInRegistrations, LeaveForProvider, ConnectAccount, TakeBackConsent],
  exports: STEPS,
})
export class EndUserOAuthModule {}
