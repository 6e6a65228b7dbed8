import { Controller, Get, Injectable, Query, UseGuards } from '@nestjs/common'
import type { Grant } from '#domain/grants/grant.entity.js'
import { AccessTokenGuard, CallerGrant } from '#domain/grants/http/access-token.guard.js'
import { Described } from '#platform/http/openapi/describe-route.js'
import { readInput } from '#platform/http/read-input.js'
import { type DescribedToken, FIND_DESCRIBED_TOKEN } from '../described-token.js'
import { ListResources } from '../list-resources.js'
import { resourcesDto, toAccountBody, toResourceBody, toUserinfoBody } from './token.dto.js'
import { accountAnswer, resourcesAnswer, userinfoAnswer } from './token-answers.js'

@Injectable()
class DescribedTokenGuard extends AccessTokenGuard {
  protected override readonly lookup = FIND_DESCRIBED_TOKEN
}

/** What a token can tell about itself. */
@Controller('v1')
@UseGuards(DescribedTokenGuard)
export class IdentityController {
  constructor(private readonly resources: ListResources) {}

  @Get('userinfo')
  @Described({ summary: 'Whose token this is', access: 'access token', answers: { 200: userinfoAnswer } })
  userinfo(@CallerGrant() token: DescribedToken) {
    return toUserinfoBody(token)
  }

  @Get('account')
  @Described({ summary: 'The account of this token', access: 'access token', answers: { 200: accountAnswer } })
  account(@CallerGrant() token: DescribedToken) {
    return toAccountBody(token)
  }

  @Get('resources')
  @Described({
    summary: "The organisation's rooms",
    access: 'access token',
    query: resourcesDto,
    answers: { 200: resourcesAnswer },
    refusals: [403, 429],
  })
  async list(@CallerGrant() grant: Grant, @Query() query: unknown) {
    const { include_details } = readInput(resourcesDto, query)
    const rooms = await this.resources.list(grant)
    return { resources: rooms.map(toResourceBody(include_details)) }
  }
}
