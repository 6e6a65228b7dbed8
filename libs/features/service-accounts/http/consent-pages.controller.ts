import { Readable } from 'node:stream'
import { Controller, Get, Param, Req, Res, UseFilters } from '@nestjs/common'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Clock } from '#platform/clock/clock.js'
import { Described, type RouteDescription } from '#platform/http/openapi/describe-route.js'
import { isFresh } from '../allow-service-account.js'
import { CheckOrganisation } from '../check-organisation.js'
import type { ConsentStep } from '../consent-journey.js'
import { OpenConsent, type Visit } from '../open-consent.js'
import { ConsentCookies } from './consent-cookies.js'
import { ConsentPagesFilter } from './consent-pages.filter.js'
import { ConsentViews } from './consent-views.js'
import { CONSENTS_PATH, PageAnswers } from './page-answers.js'
import { StreamCheck } from './stream-check.js'

const described = (summary: string, answers: RouteDescription['answers'] = { 200: 'page', 303: 'redirect' }) =>
  Described({ summary, access: 'browser', answers, refusals: [403, 409, 410] })

/** The pages. Each may be looked at as soon as the journey has reached it; one too far ahead leads to where it stands. */
@Controller('enterprise_connect/consents/:id')
@UseFilters(ConsentPagesFilter)
export class ConsentPagesController {
  constructor(
    private readonly openConsent: OpenConsent,
    private readonly checkOrganisation: CheckOrganisation,
    private readonly streamCheck: StreamCheck,
    private readonly clock: Clock,
    private readonly cookies: ConsentCookies,
    private readonly views: ConsentViews,
    private readonly pages: PageAnswers,
  ) {}

  @Get()
  @described('Step 1: who is asking', { 200: 'page' })
  async whoIsAsking(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const visit = await this.#enter(request, id)
    return this.pages.send(reply, await this.views.whoIsAsking(request, visit), visit.consent)
  }

  /** To wherever the journey stands. */
  @Get('now')
  @described('To wherever the visit stands', { 303: 'redirect' })
  async now(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    return this.#leadOn(reply, await this.#enter(request, id))
  }

  @Get('prepare')
  @described('Step 2: prepare')
  async prepare(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const visit = await this.#enter(request, id)
    if (visit.consent.step === 'choosing') return this.#leadOn(reply, visit)
    return this.pages.send(reply, await this.views.prepare(request, visit), visit.consent)
  }

  @Get('check')
  @described('Step 3: check')
  async check(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const visit = await this.#enter(request, id)
    if (visit.consent.step !== 'checking' && visit.consent.step !== 'deciding') return this.#leadOn(reply, visit)
    const claim = await this.checkOrganisation.claim(visit.consent)
    const lines = this.streamCheck.stream(visit, claim, this.pages.frame(request))
    return this.pages.prepare(reply, visit.consent).send(Readable.from(lines))
  }

  @Get('decide')
  @described('Step 4: decide')
  async decide(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const visit = await this.#enter(request, id)
    if (visit.consent.step !== 'deciding') return this.#leadOn(reply, visit)
    if (!isFresh(visit.consent.verifiedAt, this.clock.now()))
      return this.pages.redirect(reply, `${CONSENTS_PATH}/${id}/check`)
    return this.pages.send(reply, this.views.decide(request, visit), visit.consent)
  }

  #enter(request: FastifyRequest, id: string): Promise<Visit> {
    return this.openConsent.open(id, this.cookies.read(request, id))
  }

  #leadOn(reply: FastifyReply, { consent }: Visit) {
    return this.pages.redirect(reply, `${CONSENTS_PATH}/${consent.id}${PAGE_OF[consent.step]}`)
  }
}

const PAGE_OF: Record<ConsentStep, string> = {
  choosing: '',
  preparing: '/prepare',
  checking: '/check',
  deciding: '/decide',
  allowed: '',
  denied: '',
}
