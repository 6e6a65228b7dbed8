import { Controller, Get, Param, Res } from '@nestjs/common'
import type { FastifyReply } from 'fastify'
import { notFound } from '#platform/errors/api-error.js'
import { Described } from '#platform/http/openapi/describe-route.js'
import { PageAssets } from './page-assets.js'

@Controller('assets')
export class PageAssetsController {
  constructor(private readonly assets: PageAssets) {}

  @Get(':name')
  @Described({ summary: 'A file that the pages load', access: 'public', answers: { 200: 'file' } })
  asset(@Param('name') name: string, @Res() reply: FastifyReply) {
    const asset = this.assets.find(name)
    if (!asset) throw notFound('This file')
    return reply.header('cache-control', 'public, max-age=31536000, immutable').type(asset.contentType).send(asset.body)
  }
}
