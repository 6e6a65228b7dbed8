import { Injectable } from '@nestjs/common'
import type { Client } from '#domain/clients/client.entity.js'
import { Clients } from '#domain/clients/clients.js'
import { Clock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { Secret } from '#platform/secrets/secret.js'
import { ConnectStop } from './connect.errors.js'
import type { SignIn } from './sign-in.entity.js'
import { isCsrfToken } from './sign-in-form.js'
import { isItsBrowser, SignIns } from './sign-ins.js'

/** A sign-in by OAuth, recognised by its cookie. */
export interface Visit {
  signIn: SignIn
  client: Client
  cookie: Secret<string>
}

/** Whose sign-in this is, whether it still goes on, and whether a form of it is the latest. */
@Injectable()
export class OpenSignIn {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly clients: Clients,
    private readonly signIns: SignIns,
  ) {}

  /** @throws ConnectStop unknown, otherBrowser, clientChanged, used, expired */
  async open(id: string, cookie: string | undefined): Promise<Visit> {
    const { signIn, client } = await this.database.read(async (em) => {
      const signIn = await this.signIns.find(em, id)
      return { signIn, client: signIn && (await this.clients.find(em, signIn.clientId)) }
    })
    if (signIn?.dialect !== 'oauth') throw new ConnectStop('unknown')
    if (!cookie || !isItsBrowser(signIn, cookie)) throw new ConnectStop('otherBrowser')
    if (!client || client.disabledAt || !client.redirectUris.includes(signIn.redirectUri!))
      throw new ConnectStop('clientChanged')
    if (signIn.step !== 'choosing' && signIn.step !== 'away') throw new ConnectStop('used')
    if (signIn.expiresAt <= this.clock.now()) throw new ConnectStop('expired')
    return { signIn, client, cookie: new Secret(cookie) }
  }

  /** @throws ConnectStop outOfDate, and as `open` */
  async openForForm(id: string, cookie: string | undefined, csrf: string): Promise<Visit> {
    const visit = await this.open(id, cookie)
    if (!isCsrfToken(csrf, visit.cookie, visit.signIn)) throw new ConnectStop('outOfDate')
    return visit
  }
}
