import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Res, UseFilters, UseGuards } from '@nestjs/common'
import type { FastifyReply } from 'fastify'
import { CallerUser, UserTokenGuard } from '#domain/clients/http/user-token.guard.js'
import type { CallerUser as User } from '#domain/clients/verify-user-token.js'
import { WORK_API_USES } from '#domain/providers/user-scopes.js'
import { Described } from '#platform/http/openapi/describe-route.js'
import { readInput } from '#platform/http/read-input.js'
import { ConnectByServerCode } from '../connect-by-server-code.js'
import { CreateIntegration } from '../create-integration.js'
import { DeleteIntegration } from '../delete-integration.js'
import type { ConnectScope } from '../dialects.js'
import { FindIntegrations } from '../find-integrations.js'
import { StartConnecting } from '../start-connecting.js'
import { AnswerReturn, readReturn, returnQuery } from './answer-return.js'
import { PersonPagesFilter } from './person-pages.filter.js'
import {
  authIntegrationAnswer,
  authIntegrationQuery,
  integrationAnswer,
  integrationBody,
  integrationListAnswer,
  serverCodeForm,
  toIntegrationBody,
} from './work-api-answers.js'

/** People connect an account of their own, in the Work-API dialect. */
@Controller()
export class WorkApiController {
  constructor(
    private readonly findIntegrations: FindIntegrations,
    private readonly createIntegration: CreateIntegration,
    private readonly deleteIntegration: DeleteIntegration,
    private readonly startConnecting: StartConnecting,
    private readonly connectByServerCode: ConnectByServerCode,
    private readonly answerReturn: AnswerReturn,
  ) {}

  @Post('integrations')
  @HttpCode(201)
  @UseGuards(UserTokenGuard)
  @Described({
    summary: 'Make a record of what this user wants an account for',
    access: 'user token',
    body: integrationBody,
    answers: { 201: integrationAnswer },
    refusals: [409],
  })
  async create(@CallerUser() user: User, @Body() body: unknown) {
    const { provider, media_type: mediaType } = readInput(integrationBody, body)
    return toIntegrationBody(await this.createIntegration.create(user, { provider, mediaType }))
  }

  @Get('integrations')
  @UseGuards(UserTokenGuard)
  @Described({
    summary: "List this user's integrations",
    details:
      'Accounts that were connected in another dialect are integrations too, where this one has a word for them. Newest ' +
      'first, and 200 at most.',
    access: 'user token',
    answers: { 200: integrationListAnswer },
  })
  async list(@CallerUser() user: User) {
    return { integrations: (await this.findIntegrations.find(user)).map(toIntegrationBody) }
  }

  @Get('integrations/:id')
  @UseGuards(UserTokenGuard)
  @Described({ summary: 'Show an integration', access: 'user token', answers: { 200: integrationAnswer } })
  async show(@CallerUser() user: User, @Param('id') id: string) {
    return toIntegrationBody(await this.findIntegrations.get(user, id))
  }

  @Delete('integrations/:id')
  @HttpCode(204)
  @UseGuards(UserTokenGuard)
  @Described({
    summary: 'Delete an integration, and end its access to the account',
    details: 'Here at once. At the provider too, where it has a way to and nothing else needs the account.',
    access: 'user token',
    answers: { 204: 'empty' },
  })
  async delete(@CallerUser() user: User, @Param('id') id: string) {
    await this.deleteIntegration.delete(user, id)
  }

  @Get('auth/integrations/:id')
  @UseGuards(UserTokenGuard)
  @Described({
    summary: 'Ask where to send this user to connect the account',
    details: 'The address is good for twenty minutes, and once.',
    access: 'user token',
    query: authIntegrationQuery,
    answers: { 200: authIntegrationAnswer, 302: 'redirect' },
    refusals: [409, 429],
  })
  async authorize(
    @CallerUser() user: User,
    @Param('id') id: string,
    @Query() query: unknown,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { return_to: redirectUri = null, redirect } = readInput(authIntegrationQuery, query)
    const integration = await this.findIntegrations.get(user, id)
    const { url } = await this.startConnecting.start({
      ...{ dialect: 'work-api', ...user, provider: WORK_API_USES[integration.provider].provider },
      ...{ scope: integration.scope as ConnectScope[], redirectUri, redirectField: 'return_to' },
      ...(integration.isOwnRecord && { integrationId: id }),
    })
    if (redirect !== 'true') return { uri: url.href }
    reply.status(302).header('location', url.href)
  }

  @Get('auth/callback')
  @UseFilters(PersonPagesFilter)
  @Described({
    summary: 'The browser comes back from the provider',
    access: 'browser',
    query: returnQuery,
    answers: { 303: 'redirect', 200: 'page' },
    refusals: [403, 404, 409, 410, 503],
  })
  comeBack(@Query() query: Record<string, unknown>, @Res() reply: FastifyReply) {
    return this.answerReturn.answer(reply, readReturn(null, query))
  }

  @Post('auth/authcode/:integration_id')
  @HttpCode(200)
  @UseGuards(UserTokenGuard)
  @Described({
    summary: 'Connect the account that an Android app has signed its user in to',
    details: 'The `serverAuthCode` of Google, for the same OAuth client that the operator has set up here.',
    access: 'user token',
    body: serverCodeForm,
    forms: 'too',
    answers: { 200: integrationAnswer },
    refusals: [403, 409, 503],
  })
  async serverCode(@CallerUser() user: User, @Param('integration_id') id: string, @Body() body: unknown) {
    const { code } = readInput(serverCodeForm, body)
    return toIntegrationBody(await this.connectByServerCode.connect(user, id, code))
  }
}
