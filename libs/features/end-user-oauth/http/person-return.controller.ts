import { Controller, Get, Param, Query, Req, Res, UseFilters } from '@nestjs/common'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { PROVIDER_NAMES } from '#domain/providers/provider.port.js'
import { Described } from '#platform/http/openapi/describe-route.js'
import { ConnectStop } from '../connect.errors.js'
import { signInIdIn } from '../sign-ins.js'
import { AnswerReturn, readReturn, returnQuery } from './answer-return.js'
import { PersonPagesFilter } from './person-pages.filter.js'
import { SignInCookies } from './sign-in-cookies.js'

/** Where providers send people back to, in the dialects that have no such address of their own. */
@Controller('oauth/return')
@UseFilters(PersonPagesFilter)
export class PersonReturnController {
  constructor(
    private readonly answerReturn: AnswerReturn,
    private readonly cookies: SignInCookies,
  ) {}

  @Get(':provider')
  @Described({
    summary: 'The browser comes back from the provider',
    details:
      'Of an individual connect by OAuth, and of Socrate. Ends at the redirect URI of the client, or on a page that says what ' +
      'went wrong and how to go on.',
    access: 'browser',
    query: returnQuery,
    answers: { 303: 'redirect', 200: 'page' },
    refusals: [403, 409, 410, 503],
  })
  comeBack(
    @Param('provider') name: string,
    @Query() query: Record<string, unknown>,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ) {
    const provider = PROVIDER_NAMES.find((known) => known === name)
    if (!provider) throw new ConnectStop('unknown')
    const returned = readReturn(provider, query)
    const signInId = signInIdIn(returned.state)
    return this.answerReturn.answer(reply, returned, signInId ? this.cookies.read(request, signInId) : undefined)
  }
}
