import { Inject, Injectable } from '@nestjs/common'
import type { Client } from '#domain/clients/client.entity.js'
import { Clients } from '#domain/clients/clients.js'
import type { HttpSettings } from '#platform/config/settings.js'
import { HTTP_SETTINGS } from '#platform/config/tokens.js'
import { Database } from '#platform/database/database.js'
import { giveUpAt } from './answer-to-client.js'
import type { ConnectStop } from './connect.errors.js'
import type { SignIn } from './sign-in.entity.js'
import { isItsBrowser, SignIns } from './sign-ins.js'

export interface WayBack {
  client: Client
  redirectUri: string
  /** With what went wrong as its `error`; the client's front door where it has its code already, and an error would be a lie. */
  url: string
}

/** Where a person whose sign-in stopped may return to: by OAuth to the client, which is told why. */
@Injectable()
export class FindWayBack {
  constructor(
    private readonly database: Database,
    private readonly clients: Clients,
    private readonly signIns: SignIns,
    @Inject(HTTP_SETTINGS) private readonly http: HttpSettings,
  ) {}

  /**
   * @param whose the sign-in of somebody who was recognised, or its id and the cookie to recognise them by
   * @returns null for strangers, and where the client is not there any more to return to
   */
  find(whose: SignIn | { id: string; cookie: string }, stop: ConnectStop): Promise<WayBack | null> {
    return this.database.read(async (em) => {
      const signIn = 'cookie' in whose ? await this.signIns.find(em, whose.id) : whose
      if (!signIn || ('cookie' in whose && !isItsBrowser(signIn, whose.cookie))) return null
      const { redirectUri, clientId, dialect } = signIn
      if (dialect !== 'oauth' || redirectUri == null) return null
      const client = await this.clients.find(em, clientId)
      if (!client || client.disabledAt || !client.redirectUris.includes(redirectUri)) return null
      const isConnected = signIn.step === 'connected'
      const url = isConnected ? new URL('/', redirectUri).href : giveUpAt(signIn, this.http.publicUrl.origin, stop)
      return { client, redirectUri, url }
    })
  }
}
