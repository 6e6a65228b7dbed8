import { Inject, Injectable } from '@nestjs/common'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { VNode } from 'preact'
import { Providers } from '#domain/providers/providers.js'
import type { HttpSettings } from '#platform/config/settings.js'
import { HTTP_SETTINGS } from '#platform/config/tokens.js'
import { type Frame, renderPage } from '../pages/document.js'
import { ConsentAssets } from './consent-assets.js'

export const CONSENTS_PATH = '/enterprise_connect/consents'

/** How pages leave: with what they may load and where their forms may end, beside the headers of every answer. */
@Injectable()
export class PageAnswers {
  constructor(
    private readonly assets: ConsentAssets,
    private readonly providers: Providers,
    @Inject(HTTP_SETTINGS) private readonly http: HttpSettings,
  ) {}

  frame(request: FastifyRequest): Frame {
    return {
      requestId: request.id,
      brokerHost: this.http.publicUrl.host,
      stylesheet: this.assets.stylesheet,
      script: this.assets.script,
      icon: this.assets.icon,
    }
  }

  /** @param redirectUri where a form of this page may end, besides here and at the providers */
  send(reply: FastifyReply, page: VNode, options: { status?: number; redirectUri?: string } = {}) {
    return this.prepare(reply, options).send(renderPage(page))
  }

  prepare(reply: FastifyReply, { status = 200, redirectUri }: { status?: number; redirectUri?: string }): FastifyReply {
    const formTargets = [
      "'self'",
      ...(redirectUri ? [new URL(redirectUri).origin, ...this.providers.browserOrigins()] : []),
    ]
    return reply
      .status(status)
      .type('text/html; charset=utf-8')
      .header(
        'content-security-policy',
        [
          "default-src 'none'",
          "style-src 'self'",
          "script-src 'self'",
          "img-src 'self'",
          "base-uri 'none'",
          "frame-ancestors 'none'",
          // Browsers also hold a form's redirects to this list, and ours end at the client or at a provider.
          `form-action ${[...new Set(formTargets)].join(' ')}`,
        ].join('; '),
      )
  }

  /** 303 and never 307, so that no form is ever posted on (RFC 9700 section 4.12). */
  redirect(reply: FastifyReply, to: string) {
    return reply.status(303).header('location', to).send()
  }
}
