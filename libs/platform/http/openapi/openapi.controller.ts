import { Controller, Get, Inject, Res } from '@nestjs/common'
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import type { HttpSettings } from '#platform/config/settings.js'
import { HTTP_SETTINGS } from '#platform/config/tokens.js'
import { ApiPage, renderApiPage, STYLE_HASH } from './api.page.js'
import { Described } from './describe-route.js'
import { type OpenApiDocument, openApiDocument } from './openapi-document.js'
import { RouteTable } from './route-table.js'

/** What this process serves, for programs and for people. */
@Controller()
export class OpenApiController {
  #document: OpenApiDocument | undefined

  constructor(
    private readonly table: RouteTable,
    @Inject(HTTP_SETTINGS) private readonly http: HttpSettings,
  ) {}

  @Get('openapi.json')
  @Described({ summary: 'This document', access: 'public', answers: { 200: z.looseObject({ openapi: z.string() }) } })
  document(): OpenApiDocument {
    // Routes do not change once there are requests.
    this.#document ??= openApiDocument(this.table.routes, this.http.publicUrl.origin)
    return this.#document
  }

  @Get('docs')
  @Described({ summary: 'This document, as a page', access: 'public', answers: { 200: 'page' } })
  page(@Res() reply: FastifyReply) {
    return reply
      .type('text/html; charset=utf-8')
      .header(
        'content-security-policy',
        `default-src 'none'; style-src '${STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      )
      .send(renderApiPage(ApiPage({ document: this.document() })))
  }
}
