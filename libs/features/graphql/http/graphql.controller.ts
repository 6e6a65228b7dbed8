import { Body, Controller, Get, Header, Headers, Post, Res, UseGuards } from '@nestjs/common'
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import type { CallerKey as Key } from '#domain/clients/authenticate-api-key.js'
import { ApiKeyGuard, CallerKey } from '#domain/clients/http/api-key.guard.js'
import { Described } from '#platform/http/openapi/describe-route.js'
import { readInput } from '#platform/http/read-input.js'
import { unsupportedMediaType } from '#platform/http/refuse-requests.js'
import { LoadGraphql } from '../load-graphql.js'
import { CONSOLE, CONSOLE_POLICY } from '../pages/console.page.js'
import { graphqlRequestDto } from './graphql-request.dto.js'

const GRAPHQL_JSON = 'application/graphql-response+json'

@Controller('graphql')
export class GraphqlController {
  constructor(private readonly graphql: LoadGraphql) {}

  /** By GraphQL over HTTP: older clients get 200 whatever is in the answer; those that know better a 400 where nothing ran. */
  @Post()
  @UseGuards(ApiKeyGuard)
  @Described({
    summary: 'Run a GraphQL document',
    access: 'API key',
    body: graphqlRequestDto,
    answers: { 200: z.looseObject({}) },
    unlisted: true,
  })
  async run(
    @Body() body: unknown,
    @Headers() { accept = '', 'content-type': type = '' }: Record<string, string>,
    @CallerKey() key: Key,
    @Res() reply: FastifyReply,
  ) {
    if (!/^application\/json\b/i.test(type)) throw unsupportedMediaType()
    const asked = readInput(graphqlRequestDto, body)
    const runRequest = await this.graphql.runRequest()
    const answer = await runRequest.run(asked, key)
    const isModern = accept.toLowerCase().includes(GRAPHQL_JSON)
    return reply
      .status(isModern && !('data' in answer) ? 400 : 200)
      .type(`${isModern ? GRAPHQL_JSON : 'application/json'}; charset=utf-8`)
      .send(JSON.stringify(answer))
  }

  /** Holds nothing that is secret: whoever wants to see the schema gives a key, as everywhere. */
  @Get('console')
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', CONSOLE_POLICY)
  @Described({ summary: 'A console for GraphQL', access: 'public', answers: { 200: 'page' }, unlisted: true })
  console() {
    return CONSOLE
  }
}
