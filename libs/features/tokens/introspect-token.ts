import { Injectable } from '@nestjs/common'
import type { AuthenticatedClient } from '#domain/clients/authenticate-client.js'
import { InspectToken, type TokenFacts } from '#domain/grants/inspect-token.js'
import { Database } from '#platform/database/database.js'

/** Tells a client what a token of its own is good for (RFC 7662). */
@Injectable()
export class IntrospectToken {
  constructor(
    private readonly database: Database,
    private readonly tokens: InspectToken,
  ) {}

  /** Null for everything that this client could not use now: unknown, expired, revoked, used up, or another client's. */
  introspect(client: Promise<AuthenticatedClient>, token: string): Promise<TokenFacts | null> {
    return this.tokens.find(this.database.lookUp, token, client)
  }
}
