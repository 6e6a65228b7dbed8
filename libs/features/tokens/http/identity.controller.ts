import { Controller, Get, Query, UseGuards } from '@nestjs/common'
import type { Grant } from '#domain/grants/grant.entity.js'
import { AccessTokenGuard, CallerGrant } from '#domain/grants/http/access-token.guard.js'
import { readInput } from '#platform/http/read-input.js'
import { DescribeSubject } from '../describe-subject.js'
import { ListResources } from '../list-resources.js'
import { resourcesDto, toAccountBody, toResourceBody, toUserinfoBody } from './token.dto.js'

/** What a token can tell about itself. */
@Controller('v1')
@UseGuards(AccessTokenGuard)
export class IdentityController {
  constructor(
    private readonly subjects: DescribeSubject,
    private readonly resources: ListResources,
  ) {}

  @Get('userinfo')
  async userinfo(@CallerGrant() grant: Grant) {
    return toUserinfoBody(await this.subjects.describe(grant), grant)
  }

  @Get('account')
  async account(@CallerGrant() grant: Grant) {
    return toAccountBody(await this.subjects.describe(grant), grant)
  }

  @Get('resources')
  async list(@CallerGrant() grant: Grant, @Query() query: unknown) {
    const { include_details } = readInput(resourcesDto, query)
    const rooms = await this.resources.list(grant)
    return { resources: rooms.map(toResourceBody(include_details)) }
  }
}
