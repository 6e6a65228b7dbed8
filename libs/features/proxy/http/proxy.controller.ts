import { Readable } from 'node:stream'
import { All, Controller, Injectable, Req, Res, UseGuards } from '@nestjs/common'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { AccessTokenGuard, CallerGrant } from '#domain/grants/http/access-token.guard.js'
import type { ProviderName } from '#domain/providers/provider.port.js'
import { bodyToPassOn } from '#platform/http/bodies-to-pass-on.js'
import { Described } from '#platform/http/openapi/describe-route.js'
import { CallAsMailbox } from '../call-as-mailbox.js'
import { type CalledGrant, FIND_CALLED_GRANT } from '../open-mailbox.js'

const described = (provider: string) =>
  Described({
    summary: `Call the calendar API of ${provider}, as the mailbox of this token`,
    details:
      'The path behind it, the query and the body are those of the provider. Calls about the calendars of this mailbox pass, ' +
      'within the scope of the token; every other one is answered with 403. What changes something is sent once.',
    access: 'access token',
    body: 'passed on',
    answers: { 200: 'passed on', 201: 'passed on', 202: 'empty', 204: 'empty', 304: 'empty', '4XX': 'passed on' },
    refusals: [403, 429],
  })

@Injectable()
class CalledGrantGuard extends AccessTokenGuard {
  protected override readonly lookup = FIND_CALLED_GRANT
}

/** A mailbox's own corner of the provider's API. */
@Controller('v1/proxy')
@UseGuards(CalledGrantGuard)
export class ProxyController {
  constructor(private readonly callAsMailbox: CallAsMailbox) {}

  @All('google/*')
  @described('Google')
  google(@CallerGrant() grant: CalledGrant, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    return this.#pass('google', grant, request, reply)
  }

  @All('microsoft/*')
  @described('Microsoft')
  microsoft(@CallerGrant() grant: CalledGrant, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    return this.#pass('microsoft', grant, request, reply)
  }

  async #pass(provider: ProviderName, grant: CalledGrant, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { status, headers, body } = await this.callAsMailbox.call(grant, {
      id: request.id,
      provider,
      method: request.method,
      target: request.raw.url ?? '',
      headers: request.headers,
      body: bodyToPassOn(request),
      wanted: untilCallerLeaves(reply),
    })
    reply.status(status).headers(headers)
    if (Buffer.isBuffer(body)) return void reply.send(body.length > 0 ? body : undefined)
    reply.send(Readable.from(body, { objectMode: false }))
  }
}

function untilCallerLeaves({ raw }: FastifyReply): AbortController {
  const wanted = new AbortController()
  raw.once('close', () => {
    if (!raw.writableFinished) wanted.abort()
  })
  return wanted
}
