import { Inject, Injectable } from '@nestjs/common'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { HttpSettings } from '#platform/config/settings.js'
import { HTTP_SETTINGS } from '#platform/config/tokens.js'
import type { Secret } from '#platform/secrets/secret.js'
import { CONSENT_LIFE } from '../consent-journey.js'
import { cookieName, surplusCookies } from '../consent-session.js'

/** The cookie of a consent, on its way in and out. */
@Injectable()
export class ConsentCookies {
  readonly #secure: boolean

  constructor(@Inject(HTTP_SETTINGS) http: HttpSettings) {
    this.#secure = http.publicUrl.protocol === 'https:'
  }

  read(request: FastifyRequest, consentId: string): string | undefined {
    return request.cookies[cookieName(consentId, this.#secure)]
  }

  set(reply: FastifyReply, consentId: string, cookie: Secret<string>) {
    const maxAge = CONSENT_LIFE / 1000
    reply.setCookie(cookieName(consentId, this.#secure), cookie.reveal(), { ...this.#attributes, maxAge })
  }

  dropSurplus(request: FastifyRequest, reply: FastifyReply) {
    for (const name of surplusCookies(Object.keys(request.cookies))) reply.clearCookie(name, this.#attributes)
  }

  /** Lax: the provider's redirect back to us has to carry it. */
  get #attributes() {
    return { path: '/', httpOnly: true, sameSite: 'lax', secure: this.#secure } as const
  }
}
