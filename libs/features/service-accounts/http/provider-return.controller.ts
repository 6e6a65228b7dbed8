import { Controller, Get, Param, Query, Req, Res, UseFilters } from '@nestjs/common'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { PROVIDER_NAMES } from '#domain/providers/provider.port.js'
import { Described } from '#platform/http/openapi/describe-route.js'
import { AcceptProviderReturn } from '../accept-provider-return.js'
import { OpenConsent } from '../open-consent.js'
import { consentIdIn } from '../provider-return-state.js'
import { ConsentStop } from '../service-accounts.errors.js'
import { ConsentCookies } from './consent-cookies.js'
import { returnQuery } from './consent-forms.js'
import { ConsentPagesFilter } from './consent-pages.filter.js'
import { CONSENTS_PATH, PageAnswers } from './page-answers.js'

@Controller('enterprise_connect/oauth/return')
@UseFilters(ConsentPagesFilter)
export class ProviderReturnController {
  constructor(
    private readonly openConsent: OpenConsent,
    private readonly acceptReturn: AcceptProviderReturn,
    private readonly cookies: ConsentCookies,
    private readonly pages: PageAnswers,
  ) {}

  @Get(':provider')
  @Described({
    summary: 'The browser comes back from the provider',
    access: 'browser',
    query: returnQuery,
    answers: { 303: 'redirect' },
    refusals: [403, 409, 410],
  })
  async comeBack(
    @Param('provider') name: string,
    @Query() query: Record<string, unknown>,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ) {
    const text = (parameter: string) => (typeof query[parameter] === 'string' ? query[parameter] : null)
    const provider = PROVIDER_NAMES.find((known) => known === name)
    const state = text('state') ?? ''
    const consentId = consentIdIn(state)
    if (!provider || !consentId) throw new ConsentStop('returnUsed')
    const { consent } = await this.openConsent.open(consentId, this.cookies.read(request, consentId))
    const signedIn = await this.acceptReturn.accept(consent, {
      provider,
      state,
      code: text('code'),
      error: text('error'),
      errorDescription: text('error_description'),
    })
    if (signedIn) this.cookies.set(reply, consentId, signedIn.cookie)
    return this.pages.redirect(reply, signedIn?.next?.href ?? `${CONSENTS_PATH}/${consentId}/check`)
  }
}
