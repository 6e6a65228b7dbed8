import { Inject, Injectable } from '@nestjs/common'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { VNode } from 'preact'
import type { HttpSettings } from '#platform/config/settings.js'
import { HTTP_SETTINGS } from '#platform/config/tokens.js'
import { type Frame, renderPage } from './document.js'
import { PageAssets } from './page-assets.js'

export interface PageAnswer {
  status?: number
  /** Origins at which a form of this page may end, besides here. */
  formsEndAt?: readonly string[]
}

/** How pages leave: with what they may load and where their forms may end, beside the headers of every answer. */
@Injectable()
export class Pages {
  constructor(
    private readonly assets: PageAssets,
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

  send(reply: FastifyReply, page: VNode, answer: PageAnswer = {}) {
    return this.prepare(reply, answer).send(renderPage(page))
  }

  prepare(reply: FastifyReply, { status = 200, formsEndAt = [] }: PageAnswer): FastifyReply {
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
          `form-action ${[...new Set(["'self'", ...formsEndAt])].join(' ')}`,
        ].join('; '),
      )
  }

  /** 303 and never 307, so that no form is ever posted on (RFC 9700 section 4.12). */
  redirect(reply: FastifyReply, to: string) {
    return reply.status(303).header('location', to).send()
  }

  /**
   * Whether a form came from a page that is not ours, as far as the browser says so. Our pages send no referrer, which makes
   * browsers write `Origin: null` (Fetch section 3.3.1); `Sec-Fetch-Site` is then what tells us from others.
   */
  isFromElsewhere({ headers }: Pick<FastifyRequest, 'headers'>): boolean {
    const site = headers['sec-fetch-site']
    if (site !== undefined && site !== 'same-origin') return true
    const { origin } = headers
    return origin !== undefined && origin !== 'null' && origin !== this.http.publicUrl.origin
  }
}
