import { Injectable } from '@nestjs/common'
import { Clients } from '#domain/clients/clients.js'
import type { ProviderName } from '#domain/providers/provider.port.js'
import { after, Clock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { conflict } from '#platform/errors/api-error.js'
import { invalidField } from '#platform/errors/validation-error.js'
import { RateLimits } from '#platform/rate-limits/rate-limits.js'
import { newId, RandomSource } from '#platform/secrets/random.js'
import type { ConnectScope, Dialect } from './dialects.js'
import { type Departure, LeaveForProvider } from './leave-for-provider.js'
import { SignIn } from './sign-in.entity.js'
import { SIGN_IN_LIFE } from './sign-in-journey.js'

export interface AskedConnection {
  dialect: Exclude<Dialect, 'oauth'>
  clientId: string
  /** What the client calls its user. */
  userId: string
  provider: ProviderName
  scope: readonly ConnectScope[]
  /** Where the browser ends: one of the client's registered redirect URIs. Left out: the first of them. Null: on a page of ours. */
  redirectUri?: string | null
  /** As the caller named it, for the complaint about it. */
  redirectField?: string
  integrationId?: string
  /** The address that has to come back. */
  loginHint?: string
}

/**
 * A client asks where to send its user to connect an account. The browser has not been here, so nothing ties the link to it:
 * whoever gets the link may use it, once, within {@link SIGN_IN_LIFE}. The accepted edge is in ADR 0023.
 */
@Injectable()
export class StartConnecting {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly random: RandomSource,
    private readonly clients: Clients,
    private readonly leaveForProvider: LeaveForProvider,
    private readonly limits: RateLimits,
  ) {}

  /**
   * @returns where to send the browser, and the state that it will come back with
   * @throws ValidationError for a redirect URI that is not registered; ApiError conflict where there is none to leave out;
   *   too_many_requests; ConnectStop notSetUp
   */
  async start(asked: AskedConnection): Promise<Departure> {
    const { provider, redirectField = 'redirect_uri', redirectUri: wanted, scope, ...kept } = asked
    await this.limits.signIns.count(`${asked.clientId} ${asked.userId}`)
    return this.database.inTransaction(async (tx) => {
      const { redirectUris } = await this.clients.get(tx, asked.clientId)
      const redirectUri = wanted === undefined ? redirectUris[0] : wanted
      if (redirectUri === undefined) throw conflict('This client has no redirect URI. The operator registers one.')
      if (redirectUri !== null && !redirectUris.includes(redirectUri))
        throw invalidField(
          redirectField,
          'errors.not_registered',
          'must be exactly one of the redirect URIs that are registered for this client',
        )
      const now = this.clock.now()
      const signIn = tx.create(SignIn, {
        ...{ id: newId(this.random, 'sig'), ...kept, redirectUri, scope: [...scope], scopesBeside: [] },
        ...{ step: 'choosing', createdAt: now, expiresAt: after(now, SIGN_IN_LIFE) },
      })
      await tx.flush()
      return this.leaveForProvider.leave(tx, signIn, provider)
    })
  }
}
