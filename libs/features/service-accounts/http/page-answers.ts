import { Injectable } from '@nestjs/common'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { VNode } from 'preact'
import { Providers } from '#domain/providers/providers.js'
import type { Frame } from '#platform/pages/document.js'
import { Pages } from '#platform/pages/pages.js'

export const CONSENTS_PATH = '/enterprise_connect/consents'

interface Answer {
  status?: number
  /** Where a form of this page may end, besides here and at the providers. */
  redirectUri?: string
}

/** The pages of a consent leave as all pages do; their forms may end at the client and at the providers. */
@Injectable()
export class PageAnswers {
  constructor(
    private readonly pages: Pages,
    private readonly providers: Providers,
  ) {}

  frame(request: FastifyRequest): Frame {
    return this.pages.frame(request)
  }

  send(reply: FastifyReply, page: VNode, answer: Answer = {}) {
    return this.pages.send(reply, page, this.#endings(answer))
  }

  prepare(reply: FastifyReply, answer: Answer): FastifyReply {
    return this.pages.prepare(reply, this.#endings(answer))
  }

  redirect(reply: FastifyReply, to: string) {
    return this.pages.redirect(reply, to)
  }

  isFromElsewhere(request: FastifyRequest): boolean {
    return this.pages.isFromElsewhere(request)
  }

  #endings({ redirectUri, ...answer }: Answer) {
    return redirectUri
      ? { ...answer, formsEndAt: [new URL(redirectUri).origin, ...this.providers.browserOrigins()] }
      : answer
  }
}
