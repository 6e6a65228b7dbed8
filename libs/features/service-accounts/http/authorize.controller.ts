import { Controller, Get, Inject, Req, Res, UseFilters } from '@nestjs/common'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { HttpSettings } from '#platform/config/settings.js'
import { HTTP_SETTINGS } from '#platform/config/tokens.js'
import { Described } from '#platform/http/openapi/describe-route.js'
import { clientAnswer } from '#platform/oauth-protocol/client-answer.js'
import { callerAddress } from '#platform/rate-limits/caller-address.js'
import { RateLimits } from '#platform/rate-limits/rate-limits.js'
import { administratorQuery } from '../authorization-request.js'
import { BeginConsent } from '../begin-consent.js'
import { ConsentCookies } from './consent-cookies.js'
import { authorizeQuery } from './consent-forms.js'
import { ConsentPagesFilter } from './consent-pages.filter.js'
import { CONSENTS_PATH, PageAnswers } from './page-answers.js'

@Controller('enterprise_connect/oauth/authorize')
@UseFilters(ConsentPagesFilter)
export class AuthorizeController {
  constructor(
    private readonly beginConsent: BeginConsent,
    private readonly cookies: ConsentCookies,
    private readonly pages: PageAnswers,
    private readonly limits: RateLimits,
    @Inject(HTTP_SETTINGS) private readonly http: HttpSettings,
  ) {}

  @Get()
  @Described({
    summary: "An administrator arrives by a client's link",
    details:
      'Ends at `redirect_uri` with `code`, `state` and `iss`, or with `error`. What is wrong with `client_id` or ' +
      '`redirect_uri` is a page and no redirect.',
    access: 'browser',
    query: authorizeQuery,
    answers: { 303: 'redirect' },
    refusals: [429],
  })
  async authorize(@Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    await this.limits.authorizations.count(callerAddress(request.ip))
    const beginning = await this.beginConsent.begin(administratorQuery(request.raw.url ?? ''))
    if (beginning.kind === 'refused') {
      const { error, description } = beginning.refusal
      const answer = { error, error_description: description }
      return this.pages.redirect(reply, clientAnswer(beginning, this.http.publicUrl.origin, answer))
    }
    this.cookies.dropSurplus(request, reply)
    this.cookies.set(reply, beginning.consentId, beginning.cookie)
    return this.pages.redirect(reply, `${CONSENTS_PATH}/${beginning.consentId}`)
  }
}
