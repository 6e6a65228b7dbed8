import { Controller, Param, Post, Req, Res, UseFilters } from '@nestjs/common'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import { PROVIDER_NAMES } from '#domain/providers/provider.port.js'
import { Described, type RouteDescription } from '#platform/http/openapi/describe-route.js'
import { AllowServiceAccount } from '../allow-service-account.js'
import { BringCredential } from '../bring-credential.js'
import { ChooseProvider } from '../choose-provider.js'
import { DenyServiceAccount } from '../deny-service-account.js'
import { OpenConsent } from '../open-consent.js'
import { ConsentStop } from '../service-accounts.errors.js'
import { StartSignIn } from '../start-sign-in.js'
import { TryMailbox } from '../try-mailbox.js'
import { ConsentCookies } from './consent-cookies.js'
import { answerForm, credentialForm, mailboxForm, providerForm } from './consent-forms.js'
import { ConsentPagesFilter } from './consent-pages.filter.js'
import { ConsentViews } from './consent-views.js'
import { CONSENTS_PATH, PageAnswers } from './page-answers.js'
import { field, readConsentForm } from './read-consent-form.js'

const described = (summary: string, body: z.ZodType, answers: RouteDescription['answers'] = { 303: 'redirect' }) =>
  Described({ summary, access: 'browser', body, forms: 'only', answers, refusals: [403, 409, 410] })

/** Every form of the pages. Each ends in a redirect, so that going back or reloading sends nothing twice. */
@Controller('enterprise_connect/consents/:id')
@UseFilters(ConsentPagesFilter)
export class ConsentFormsController {
  constructor(
    private readonly openConsent: OpenConsent,
    private readonly chooseProvider: ChooseProvider,
    private readonly startSignIn: StartSignIn,
    private readonly bringCredential: BringCredential,
    private readonly tryMailbox: TryMailbox,
    private readonly allowServiceAccount: AllowServiceAccount,
    private readonly denyServiceAccount: DenyServiceAccount,
    private readonly cookies: ConsentCookies,
    private readonly views: ConsentViews,
    private readonly pages: PageAnswers,
  ) {}

  @Post('provider')
  @described('Choose a provider', providerForm)
  async choose(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const { form, cookie, csrf } = await this.#read(request, id)
    const { consent } = await this.openConsent.openForForm(id, cookie, csrf)
    const [name, source] = field(form, 'way').split(':')
    const provider = PROVIDER_NAMES.find((known) => known === name)
    if (!provider || (source !== 'operator' && source !== 'customer')) throw new ConsentStop('badRequest')
    await this.chooseProvider.choose(consent, provider, source)
    return this.pages.redirect(reply, `${CONSENTS_PATH}/${id}/prepare`)
  }

  @Post('sign-in')
  @described('Go to the provider to sign in', answerForm)
  async signIn(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const { cookie, csrf } = await this.#read(request, id)
    const { consent } = await this.openConsent.openForForm(id, cookie, csrf)
    return this.pages.redirect(reply, (await this.startSignIn.start(consent)).href)
  }

  /** The one form that is answered with itself: what was typed in is kept, and the complaints stand beside it. */
  @Post('credential')
  @described('Bring a credential of the organisation', credentialForm, { 303: 'redirect', 422: 'page' })
  async credential(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const { form, cookie, csrf } = await this.#read(request, id)
    const visit = await this.openConsent.openForForm(id, cookie, csrf)
    const read = await this.bringCredential.bring(visit.consent, (name) => field(form, name))
    if (Object.keys(read.complaints).length === 0) return this.pages.redirect(reply, `${CONSENTS_PATH}/${id}/check`)
    const now = await this.openConsent.open(id, cookie)
    const page = await this.views.prepare(request, now, read.complaints)
    return this.pages.send(reply, page, { status: 422, redirectUri: now.consent.redirectUri })
  }

  @Post('mailbox')
  @described('Name another mailbox to try', mailboxForm)
  async mailbox(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const { form, cookie, csrf } = await this.#read(request, id)
    const { consent } = await this.openConsent.openForForm(id, cookie, csrf)
    await this.tryMailbox.name(consent, field(form, 'mailbox').trim())
    return this.pages.redirect(reply, `${CONSENTS_PATH}/${id}/check`)
  }

  @Post('allow')
  @described('Allow', answerForm)
  async allow(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const { cookie, csrf } = await this.#read(request, id)
    const { consent, again } = await this.openConsent.openForAnswer(id, cookie, csrf, 'allowed')
    const { allowServiceAccount } = this
    return this.pages.redirect(
      reply,
      await (again ? allowServiceAccount.repeat(consent) : allowServiceAccount.allow(consent)),
    )
  }

  @Post('deny')
  @described('Deny', answerForm)
  async deny(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const { cookie, csrf } = await this.#read(request, id)
    const { consent, again } = await this.openConsent.openForAnswer(id, cookie, csrf, 'denied')
    const { denyServiceAccount } = this
    return this.pages.redirect(
      reply,
      await (again ? denyServiceAccount.repeat(consent) : denyServiceAccount.deny(consent)),
    )
  }

  async #read(request: FastifyRequest, id: string) {
    if (this.pages.isFromElsewhere(request)) throw new ConsentStop('foreignForm')
    const form = await readConsentForm(request)
    return { form, csrf: field(form, 'csrf'), cookie: this.cookies.read(request, id) }
  }
}
