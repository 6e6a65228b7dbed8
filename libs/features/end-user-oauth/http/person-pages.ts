import { Injectable } from '@nestjs/common'
import type { FastifyReply } from 'fastify'
import type { Client } from '#domain/clients/client.entity.js'
import { type DelegatedScope, isDelegatedScope } from '#domain/providers/delegated-scopes.js'
import type { ProviderName } from '#domain/providers/provider.port.js'
import { Providers } from '#domain/providers/providers.js'
import { askerOf } from '#platform/pages/asker.js'
import { nameInSentence } from '#platform/pages/outside-text.js'
import { Pages } from '#platform/pages/pages.js'
import type { WayBack } from '../find-way-back.js'
import type { Visit } from '../open-sign-in.js'
import { ConnectedPage } from '../pages/connected.page.js'
import { PickProviderPage } from '../pages/pick-provider.page.js'
import { StopPage, type StopProps } from '../pages/stop.page.js'
import { csrfToken } from '../sign-in-form.js'

export const CONNECT_PATH = '/oauth/connect'

export interface StopAnswer extends Omit<StopProps, 'frame' | 'back'> {
  status: number
  back?: WayBack | null
}

/** From what is stored to the page that a person sees. */
@Injectable()
export class PersonPages {
  constructor(
    private readonly pages: Pages,
    private readonly providers: Providers,
  ) {}

  pick(reply: FastifyReply, { signIn, client, cookie }: Visit, providers: readonly ProviderName[]) {
    const redirectUri = signIn.redirectUri!
    const page = PickProviderPage({
      frame: this.pages.frame(reply.request),
      path: `${CONNECT_PATH}/${signIn.id}`,
      csrf: csrfToken(cookie, signIn),
      asker: askerOf(client, redirectUri),
      scope: signIn.scope.filter(isDelegatedScope) as DelegatedScope[],
      loginHint: signIn.loginHint ?? null,
      providers,
    })
    const formsEndAt = [new URL(redirectUri).origin, ...this.providers.browserOrigins()]
    return this.pages.send(reply, page, { formsEndAt })
  }

  stop(reply: FastifyReply, { status, back, ...stop }: StopAnswer) {
    const frame = this.pages.frame(reply.request)
    const toClient = back ? { asker: askerOf(back.client, back.redirectUri), at: back.url } : undefined
    return this.pages.send(reply, StopPage({ frame, ...stop, back: toClient }), { status })
  }

  connected(reply: FastifyReply, client: Client, account: string) {
    const frame = this.pages.frame(reply.request)
    return this.pages.send(reply, ConnectedPage({ frame, clientName: nameInSentence(client.name), account }))
  }
}
