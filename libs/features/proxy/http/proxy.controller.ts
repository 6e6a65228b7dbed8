import { Readable } from 'node:stream'
import { All, Controller, Req, Res, UseGuards } from '@nestjs/common'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Grant } from '#domain/grants/grant.entity.js'
import { AccessTokenGuard, CallerGrant } from '#domain/grants/http/access-token.guard.js'
import type { ProviderName } from '#domain/providers/provider.port.js'
import { ReadAsMailbox } from '../read-as-mailbox.js'

/** A mailbox's own corner of the provider's API. */
@Controller('v1/proxy')
@UseGuards(AccessTokenGuard)
export class ProxyController {
  constructor(private readonly readAsMailbox: ReadAsMailbox) {}

  @All('google/*')
  google(@CallerGrant() grant: Grant, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    return this.#pass('google', grant, request, reply)
  }

  @All('microsoft/*')
  microsoft(@CallerGrant() grant: Grant, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    return this.#pass('microsoft', grant, request, reply)
  }

  async #pass(provider: ProviderName, grant: Grant, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { status, headers, body } = await this.readAsMailbox.read(grant, {
      id: request.id,
      provider,
      method: request.method,
      target: request.raw.url ?? '',
      headers: request.headers,
      signal: untilCallerLeaves(reply),
    })
    reply.status(status).headers(headers)
    reply.send(Buffer.isBuffer(body) ? body : Readable.from(body, { objectMode: false }))
  }
}

function untilCallerLeaves({ raw }: FastifyReply): AbortSignal {
  const left = new AbortController()
  raw.once('close', () => {
    if (!raw.writableFinished) left.abort()
  })
  return left.signal
}
