import { Injectable } from '@nestjs/common'
import type { CallerUser } from '#domain/clients/verify-user-token.js'
import { Database } from '#platform/database/database.js'
import { defineStatement, type Statement } from '#platform/database/statement.js'
import { notFound } from '#platform/errors/api-error.js'
import type { Authorization } from './authorization.js'
import { type IntegrationProvider, integrationKindOf, integrationUse, type MediaType } from './dialects.js'
import { MOST_SHOWN, NEWEST_GRANTS } from './newest-of-user.js'

/** `disconnected`: its account was, in this or another dialect; it can be connected again. */
export const INTEGRATION_STATUSES = ['pending', 'connected', 'requires_authentication', 'disconnected'] as const
type IntegrationStatus = (typeof INTEGRATION_STATUSES)[number]

/** What Work-API calls an integration, whether it was made in that dialect or is an account of another seen through it. */
export interface FoundIntegration {
  /** `int_…` */
  id: string
  provider: IntegrationProvider
  mediaType: MediaType
  status: IntegrationStatus
  /** Of the account, once there is one. */
  email: string | null
  /** What it stands on; null while it is pending. */
  grantId: string | null
  scope: readonly string[]
  isOwnRecord: boolean
  createdAt: Date
  updatedAt: Date
}

/** A record that was made in this dialect, with how its account fares. */
interface OwnRecord extends Pick<FoundIntegration, 'id' | 'provider' | 'mediaType' | 'email' | 'grantId'> {
  isOver: boolean
  requiresAuthentication: boolean
  createdAt: Date
  updatedAt: Date
}

type OthersGrant = Pick<Authorization, 'id' | 'provider' | 'scope' | 'email' | 'createdAt'> & {
  requiresAuthentication: boolean
}

const OWN_RECORDS = `select i.id, i.provider, i.media_type as "mediaType", i.grant_id as "grantId", a.email,
     i.created_at as "createdAt", i.updated_at as "updatedAt", g.revoked_at is not null as "isOver",
     c.requires_authentication_since is not null as "requiresAuthentication"
   from integrations i
   left join grants g on g.id = i.grant_id
   left join accounts a on a.id = g.account_id
   left join user_credentials c on c.id = a.id and c.disconnected_at is null
   where i.client_id = $1 and i.user_id = $2 and i.deleted_at is null`

/** Of `g`, whether it has a record in this dialect; asked grant by grant, or PostgreSQL would read all records of everybody. */
const OWN_RECORD = `left join lateral (
     select true as is_own from integrations where grant_id = g.id and deleted_at is null limit 1
   ) i on true`

const FIND_OWN = defineStatement<OwnRecord>(
  'find-integrations-of-user',
  `${OWN_RECORDS} order by i.created_at desc, i.id desc limit ${MOST_SHOWN}`,
)
const FIND_OTHERS = defineStatement<OthersGrant>(
  'find-grants-of-other-dialects',
  `with ${NEWEST_GRANTS}
   select g.* from live g ${OWN_RECORD} where i.is_own is null order by g."createdAt" desc, g.id desc limit ${MOST_SHOWN}`,
)

/** Values: client, user, id. */
const GET_OWN = defineStatement<OwnRecord>('get-integration-of-user', `${OWN_RECORDS} and i.id = $3`)
const GET_OTHERS = defineStatement<OthersGrant>(
  'get-grant-of-another-dialect',
  `select g.id, a.provider, g.scope, a.email, g.created_at as "createdAt",
     c.requires_authentication_since is not null as "requiresAuthentication"
   from grants g join accounts a on a.id = g.account_id
   join user_credentials c on c.id = a.id and c.disconnected_at is null
   ${OWN_RECORD}
   where a.client_id = $1 and a.user_id = $2 and g.id = $3 and g.revoked_at is null and i.is_own is null`,
)

/** The integrations of one user of a client. */
@Injectable()
export class FindIntegrations {
  constructor(private readonly database: Database) {}

  /** Newest first. */
  async find(user: CallerUser): Promise<FoundIntegration[]> {
    const own = await this.#ask(FIND_OWN, user)
    const others = await this.#ask(FIND_OTHERS, user)
    const found = [...own.map(ownRecord), ...others.flatMap(seenThroughThisDialect)]
    return found.sort((a, b) => Number(b.createdAt) - Number(a.createdAt)).slice(0, MOST_SHOWN)
  }

  /** @throws ApiError not_found */
  async get(user: CallerUser, id: string): Promise<FoundIntegration> {
    // What cannot be an id of ours, PostgreSQL may not even be able to look for.
    if (!/^int_\w+$/.test(id)) throw notFound('This integration')
    const [own] = await this.#ask(GET_OWN, user, id)
    if (own) return ownRecord(own)
    const [other] = (await this.#ask(GET_OTHERS, user, grantIdOf(id))).flatMap(seenThroughThisDialect)
    if (!other) throw notFound('This integration')
    return other
  }

  #ask<Row>(statement: Statement<Row>, { clientId, userId }: CallerUser, ...more: string[]): Promise<Row[]> {
    return this.database.run(statement, [clientId, userId, ...more])
  }
}

const ownRecord = ({ isOver, requiresAuthentication, ...record }: OwnRecord): FoundIntegration => ({
  ...{ ...record, scope: [integrationUse(record.provider, record.mediaType)!], isOwnRecord: true },
  status: !record.grantId ? 'pending' : isOver ? 'disconnected' : statusOfLive(requiresAuthentication),
})

/** None where this dialect has no word for it. */
function seenThroughThisDialect({ id: grantId, requiresAuthentication, ...grant }: OthersGrant): FoundIntegration[] {
  const { scope, email, createdAt } = grant
  const kind = integrationKindOf(grant.provider, scope)
  if (!kind) return []
  const status = statusOfLive(requiresAuthentication)
  const shown = { ...kind, id: integrationIdOf(grantId), status, email, grantId, scope }
  return [{ ...shown, isOwnRecord: false, createdAt, updatedAt: createdAt }]
}

const statusOfLive = (requiresAuthentication: boolean): IntegrationStatus =>
  requiresAuthentication ? 'requires_authentication' : 'connected'

/** A grant that has no record of its own is an integration by another name. */
const integrationIdOf = (grantId: string) => grantId.replace(/^gra_/, 'int_')
const grantIdOf = (integrationId: string) => integrationId.replace(/^int_/, 'gra_')
