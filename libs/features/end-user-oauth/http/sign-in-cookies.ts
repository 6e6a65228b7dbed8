import { Inject, Injectable } from '@nestjs/common'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { HttpSettings } from '#platform/config/settings.js'
import { HTTP_SETTINGS } from '#platform/config/tokens.js'
import type { Secret } from '#platform/secrets/secret.js'
import { cookieName } from '../sign-in-form.js'
import { SIGN_IN_LIFE } from '../sign-in-journey.js'

/** Abandoned sign-ins leave cookies behind; more than these few at once would only swell the request. */
const MOST_COOKIES = 8

/**
 * The cookie that ties a sign-in to one browser, on its way in and out. Each sign-in has its own, so that several tabs do not
 * disturb one another. `__Host-` keeps sibling domains from planting one (RFC 6265bis section 4.1.3.2).
 */
@Injectable()
export class SignInCookies {
  readonly #secure: boolean

  constructor(@Inject(HTTP_SETTINGS) http: HttpSettings) {
    this.#secure = http.publicUrl.protocol === 'https:'
  }

  read(request: FastifyRequest, signInId: string): string | undefined {
    return request.cookies[cookieName(signInId, this.#secure)]
  }

  /** The oldest beyond the few we keep go. Browsers send the oldest first (RFC 6265 section 5.4). */
  set(request: FastifyRequest, reply: FastifyReply, signInId: string, cookie: Secret<string>) {
    const ours = Object.keys(request.cookies).filter((name) => /^(__Host-)?mandate-sig_/.test(name))
    const surplus = ours.slice(0, Math.max(0, ours.length + 1 - MOST_COOKIES))
    for (const name of surplus) reply.clearCookie(name, this.#attributes)
    const maxAge = SIGN_IN_LIFE / 1000
    reply.setCookie(cookieName(signInId, this.#secure), cookie.reveal(), { ...this.#attributes, maxAge })
  }

  /** Lax: the provider's redirect back to us has to carry it. */
  get #attributes() {
    return { path: '/', httpOnly: true, sameSite: 'lax', secure: this.#secure } as const
  }
}
