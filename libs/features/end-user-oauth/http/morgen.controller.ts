import { Controller, Get, HttpCode, Param, Post, Query, Res, UseFilters, UseGuards } from '@nestjs/common'
import type { FastifyReply } from 'fastify'
import { CallerUser, UserTokenGuard } from '#domain/clients/http/user-token.guard.js'
import type { CallerUser as User } from '#domain/clients/verify-user-token.js'
import type { ProviderName } from '#domain/providers/provider.port.js'
import { notFound } from '#platform/errors/api-error.js'
import { Described } from '#platform/http/openapi/describe-route.js'
import { readInput } from '#platform/http/read-input.js'
import { MORGEN_PROVIDERS } from '../dialects.js'
import { DisconnectAccount } from '../disconnect-account.js'
import { FindAccounts } from '../find-accounts.js'
import { StartConnecting } from '../start-connecting.js'
import { AnswerReturn, readReturn, returnQuery } from './answer-return.js'
import {
  accountsAnswer,
  authorizationUrlAnswer,
  authorizationUrlQuery,
  disconnectedAnswer,
  integrationsAnswer,
  toAccountBody,
} from './morgen-answers.js'
import { MORGEN_GROUPS, MORGEN_INTEGRATIONS } from './morgen-integrations.js'
import { PersonPagesFilter } from './person-pages.filter.js'

/** People connect an account of their own, in the Morgen dialect. */
@Controller('v1/integrations')
export class MorgenController {
  constructor(
    private readonly startConnecting: StartConnecting,
    private readonly findAccounts: FindAccounts,
    private readonly disconnectAccount: DisconnectAccount,
    private readonly answerReturn: AnswerReturn,
  ) {}

  @Get('list')
  @Described({
    summary: 'List the providers that people may connect an account of',
    access: 'public',
    answers: { 200: integrationsAnswer },
  })
  integrations() {
    return { data: { integrations: MORGEN_INTEGRATIONS, groups: MORGEN_GROUPS } }
  }

  @Get('accounts/list')
  @UseGuards(UserTokenGuard)
  @Described({
    summary: 'List the accounts that this user has connected',
    details: 'In whatever dialect they were connected; newest first, and 200 at most.',
    access: 'user token',
    answers: { 200: accountsAnswer },
  })
  async accounts(@CallerUser() user: User) {
    return { data: { accounts: (await this.findAccounts.find(user)).map(toAccountBody) } }
  }

  @Post('accounts/:accountId/disconnect')
  @HttpCode(200)
  @UseGuards(UserTokenGuard)
  @Described({
    summary: 'Disconnect an account',
    details: 'Here at once. At the provider too, where it has a way to: Google has, Microsoft has none.',
    access: 'user token',
    answers: { 200: disconnectedAnswer },
  })
  async disconnect(@CallerUser() user: User, @Param('accountId') accountId: string) {
    await this.disconnectAccount.disconnect(user, { accountId })
    return {}
  }

  @Get(':providerId/oauth/authorizationUrl')
  @UseGuards(UserTokenGuard)
  @Described({
    summary: 'Ask where to send this user to connect an account',
    details: 'The address is good for twenty minutes, and once.',
    access: 'user token',
    query: authorizationUrlQuery,
    answers: { 200: authorizationUrlAnswer },
    refusals: [409, 429],
  })
  async authorizationUrl(@CallerUser() user: User, @Param('providerId') id: string, @Query() query: unknown) {
    const provider = providerOf(id)
    if (!provider) throw notFound('This provider')
    const { redirect_url: redirectUri = null } = readInput(authorizationUrlQuery, query)
    const { url } = await this.startConnecting.start({
      ...{ dialect: 'morgen', ...user, provider, scope: ['calendars'] },
      ...{ redirectUri, redirectField: 'redirect_url' },
    })
    return { authorizationUrl: url.href }
  }

  @Get(':providerId/oauth/callback')
  @UseFilters(PersonPagesFilter)
  @Described({
    summary: 'The browser comes back from the provider',
    access: 'browser',
    query: returnQuery,
    answers: { 303: 'redirect', 200: 'page' },
    refusals: [403, 404, 409, 410, 503],
  })
  comeBack(@Param('providerId') id: string, @Query() query: Record<string, unknown>, @Res() reply: FastifyReply) {
    return this.answerReturn.answer(reply, readReturn(providerOf(id), query))
  }
}

const providerOf = (id: string): ProviderName | null =>
  Object.hasOwn(MORGEN_PROVIDERS, id) ? MORGEN_PROVIDERS[id as keyof typeof MORGEN_PROVIDERS] : null
