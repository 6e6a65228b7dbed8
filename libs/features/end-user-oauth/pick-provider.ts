import { Injectable } from '@nestjs/common'
import type { ProviderName } from '#domain/providers/provider.port.js'
import { Database } from '#platform/database/database.js'
import { LeaveForProvider } from './leave-for-provider.js'
import type { SignIn } from './sign-in.entity.js'
import { SignInRegistrations } from './sign-in-registrations.js'

/** The person says at which provider the account is. */
@Injectable()
export class PickProvider {
  constructor(
    private readonly database: Database,
    private readonly registrations: SignInRegistrations,
    private readonly leaveForProvider: LeaveForProvider,
  ) {}

  /** Where the operator has set up signing in for people of this client. */
  offered({ clientId }: SignIn): Promise<ProviderName[]> {
    return this.database.read((em) => this.registrations.providersFor(em, clientId))
  }

  /** @returns where the browser goes @throws ConnectStop notSetUp, used */
  pick(signIn: SignIn, provider: ProviderName): Promise<URL> {
    return this.database.inTransaction(async (tx) => (await this.leaveForProvider.leave(tx, signIn, provider)).url)
  }
}
