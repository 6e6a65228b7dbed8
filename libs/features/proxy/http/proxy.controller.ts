import { Readable } from 'node:stream'
import { All, Controller, Req, Res, UseGuards } from '@nestjs/common'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Grant } from '#domain/grants/grant.entity.js'
import { AccessTokenGuard, CallerGrant } from '#domain/grants/http/access-token.guard.js'
import type { ProviderName } from '#domain/providers/provider.port.js'
import { Described } from '#platform/http/openapi/describe-route.js'
import { ReadAsMailbox } from '../read-as-mailbox.js'

const described = (provider: string) =>
  Described({
    summary: `Read from the calendar API of ${provider}, as the mailbox of this token`,
    details:
      'The path behind it and the query are those of the provider. Reads of this mailbox pass, within the scope of the ' +
      'token; every other method is answered with 403.',
    access: 'access token',
    answers: { 200: 'passed on', 304: 'empty', '4XX': 'passed on' },
    refusals: [403, 429],
  })

/** A mailbox's own corner of the provider's API. */
@Controller('v1/proxy')
@UseGuards(AccessTokenGuard)
export class ProxyController {
  constructor(private readonly readAsMailbox: ReadAsMailbox) {}

  @All('google/*')
  @described('Google')
  google(@CallerGrant() grant: Grant, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    return this.#pass('google', grant, request, reply)
  }

  @All('microsoft/*')
  @described('Microsoft')
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
