import { Controller, Get, Inject, Param, Post, Req, Res, UseFilters } from '@nestjs/common'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { PROVIDER_NAMES } from '#domain/providers/provider.port.js'
import type { HttpSettings } from '#platform/config/settings.js'
import { HTTP_SETTINGS } from '#platform/config/tokens.js'
import { Described } from '#platform/http/openapi/describe-route.js'
import { clientAnswer } from '#platform/oauth-protocol/client-answer.js'
import { Pages } from '#platform/pages/pages.js'
import { callerAddress } from '#platform/rate-limits/caller-address.js'
import { RateLimits } from '#platform/rate-limits/rate-limits.js'
import { BeginConnecting } from '../begin-connecting.js'
import { ConnectStop } from '../connect.errors.js'
import { DeclineConnecting } from '../decline-connecting.js'
import { individualQuery, isForAdministrator } from '../individual-request.js'
import { OpenSignIn } from '../open-sign-in.js'
import { PickProvider } from '../pick-provider.js'
import { authorizeQuery, declineForm, providerForm } from './connect-forms.js'
import { PersonPagesFilter } from './person-pages.filter.js'
import { CONNECT_PATH, PersonPages } from './person-pages.js'
import { SignInCookies } from './sign-in-cookies.js'

const ADMINISTRATORS_ENDPOINT = '/enterprise_connect/oauth/authorize'

const OF_A_FORM = {
  access: 'browser',
  forms: 'only',
  answers: { 303: 'redirect' },
  refusals: [403, 409, 410],
} as const

/** One person connects one account by OAuth: from the client's link to the provider. The way back is person-return. */
@Controller('oauth')
@UseFilters(PersonPagesFilter)
export class ConnectPagesController {
  constructor(
    private readonly beginConnecting: BeginConnecting,
    private readonly openSignIn: OpenSignIn,
    private readonly pickProvider: PickProvider,
    private readonly declineConnecting: DeclineConnecting,
    private readonly cookies: SignInCookies,
    private readonly personPages: PersonPages,
    private readonly pages: Pages,
    private readonly limits: RateLimits,
    @Inject(HTTP_SETTINGS) private readonly http: HttpSettings,
  ) {}

  @Get('authorize')
  @Described({
    summary: "A person arrives by a client's link, to connect an account of their own",
    details:
      'Ends at `redirect_uri` with `code`, `state` and `iss`, or with `error`. What is wrong with `client_id` or ' +
      '`redirect_uri` is a page and no redirect. A request for the scopes of a service account is for an administrator, and ' +
      'is sent on to `/enterprise_connect/oauth/authorize` as it came.',
    access: 'browser',
    query: authorizeQuery,
    answers: { 303: 'redirect' },
    refusals: [400, 429],
  })
  async authorize(@Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const url = request.raw.url ?? ''
    const query = individualQuery(url)
    if (isForAdministrator(query))
      return this.pages.redirect(reply, ADMINISTRATORS_ENDPOINT + url.slice(url.indexOf('?')))
    await this.limits.authorizations.count(callerAddress(request.ip))
    const beginning = await this.beginConnecting.begin(query)
    if (beginning.kind === 'refused') {
      const { error, description } = beginning
      const answer = { error, error_description: description }
      return this.pages.redirect(reply, clientAnswer(beginning, this.http.publicUrl.origin, answer))
    }
    const { signInId, cookie, leavesFor } = beginning
    this.cookies.set(request, reply, signInId, cookie)
    return this.pages.redirect(reply, leavesFor?.href ?? `${CONNECT_PATH}/${signInId}`)
  }

  @Get('connect/:id')
  @Described({
    summary: 'The page on which a person picks the provider',
    access: 'browser',
    answers: { 200: 'page' },
    refusals: [403, 409, 410],
  })
  async page(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const visit = await this.openSignIn.open(id, this.cookies.read(request, id))
    return this.personPages.pick(reply, visit, await this.pickProvider.offered(visit.signIn))
  }

  @Post('connect/:id/provider')
  @Described({
    summary: 'Pick a provider and go there',
    body: providerForm,
    ...OF_A_FORM,
  })
  async pick(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const { signIn } = await this.#openForForm(request, id)
    const provider = PROVIDER_NAMES.find((known) => known === field(request, 'provider'))
    if (!provider) throw new ConnectStop('notSetUp')
    return this.pages.redirect(reply, (await this.pickProvider.pick(signIn, provider)).href)
  }

  @Post('connect/:id/decline')
  @Described({
    summary: 'Return to the client without connecting',
    body: declineForm,
    ...OF_A_FORM,
  })
  async decline(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const { signIn } = await this.#openForForm(request, id)
    return this.pages.redirect(reply, await this.declineConnecting.decline(signIn))
  }

  #openForForm(request: FastifyRequest, id: string) {
    if (this.pages.isFromElsewhere(request)) throw new ConnectStop('foreignForm')
    return this.openSignIn.openForForm(id, this.cookies.read(request, id), field(request, 'csrf'))
  }
}

/** A field that came exactly once; everything else is empty, which is accepted nowhere. */
function field({ body }: FastifyRequest, name: string): string {
  const value = (body as Record<string, unknown> | null | undefined)?.[name]
  return typeof value === 'string' ? value : ''
}
