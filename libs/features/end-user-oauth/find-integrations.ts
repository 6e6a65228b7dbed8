import { Injectable } from '@nestjs/common'
import type { CallerUser } from '#domain/clients/verify-user-token.js'
import type { ProviderName } from '#domain/providers/provider.port.js'
import { Database, type Em } from '#platform/database/database.js'
import { notFound } from '#platform/errors/api-error.js'
import { type IntegrationProvider, integrationKindOf, integrationUse, type MediaType } from './dialects.js'

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

interface RecordRow {
  id: string
  provider: IntegrationProvider
  media_type: MediaType
  grant_id: string | null
  is_over: boolean
  email: string | null
  requires_authentication: boolean
  created_at: Date
  updated_at: Date
}

interface GrantRow {
  id: string
  provider: ProviderName
  scope: string[]
  email: string
  requires_authentication: boolean
  created_at: Date
}

/** More than one person has; the newest are shown. */
const MOST_SHOWN = 200

const OWN_RECORDS = `select i.id, i.provider, i.media_type, i.grant_id, i.created_at, i.updated_at, a.email,
    g.revoked_at is not null as is_over, c.requires_authentication_since is not null as requires_authentication
  from integrations i
  left join grants g on g.id = i.grant_id
  left join accounts a on a.id = g.account_id
  left join user_credentials c on c.id = a.id and c.disconnected_at is null
  where i.client_id = ? and i.user_id = ? and i.deleted_at is null`

const OTHER_GRANTS = `select g.id, a.provider, g.scope, a.email, g.created_at,
    c.requires_authentication_since is not null as requires_authentication
  from accounts a
  join grants g on g.account_id = a.id and g.revoked_at is null
  left join user_credentials c on c.id = a.id and c.disconnected_at is null
  where a.client_id = ? and a.user_id = ?
    and not exists (select from integrations i where i.grant_id = g.id and i.deleted_at is null)`

/** The integrations of one user of a client. */
@Injectable()
export class FindIntegrations {
  constructor(private readonly database: Database) {}

  /** Newest first. */
  async find(user: CallerUser): Promise<FoundIntegration[]> {
    const found = await this.database.read(async (em) => [
      ...(await this.#ownRecords(em, user)),
      ...(await this.#ofOtherDialects(em, user)),
    ])
    return found.sort((a, b) => Number(b.createdAt) - Number(a.createdAt)).slice(0, MOST_SHOWN)
  }

  /** @throws ApiError not_found */
  async get(user: CallerUser, id: string): Promise<FoundIntegration> {
    // What cannot be an id of ours, PostgreSQL may not even be able to look for.
    if (!/^int_\w+$/.test(id)) throw notFound('This integration')
    const [found] = await this.database.read(async (em) => {
      const own = await this.#ownRecords(em, user, { sql: 'i.id = ?', value: id })
      return own.length > 0 ? own : this.#ofOtherDialects(em, user, { sql: 'g.id = ?', value: grantIdOf(id) })
    })
    if (!found) throw notFound('This integration')
    return found
  }

  async #ownRecords(em: Em, user: CallerUser, only?: Condition): Promise<FoundIntegration[]> {
    const rows = await em.execute<RecordRow[]>(newestOf(OWN_RECORDS, 'i', only), valuesFor(user, only))
    return rows.map(({ media_type: mediaType, grant_id: grantId, ...row }) => ({
      ...{ id: row.id, provider: row.provider, mediaType, status: statusOf(grantId, row) },
      ...{ email: row.email, grantId, scope: [integrationUse(row.provider, mediaType)!], isOwnRecord: true },
      ...{ createdAt: new Date(row.created_at), updatedAt: new Date(row.updated_at) },
    }))
  }

  async #ofOtherDialects(em: Em, user: CallerUser, only?: Condition): Promise<FoundIntegration[]> {
    const rows = await em.execute<GrantRow[]>(newestOf(OTHER_GRANTS, 'g', only), valuesFor(user, only))
    return rows.flatMap(({ id: grantId, provider, scope, ...row }) => {
      const kind = integrationKindOf(provider, scope)
      const createdAt = new Date(row.created_at)
      const status = statusOf(grantId, { ...row, is_over: false })
      if (!kind) return []
      const shown = { ...kind, id: integrationIdOf(grantId), status, email: row.email, grantId, scope }
      return [{ ...shown, isOwnRecord: false, createdAt, updatedAt: createdAt }]
    })
  }
}

interface Condition {
  sql: string
  value: string
}

const newestOf = (select: string, table: 'i' | 'g', only?: Condition) =>
  `${select} ${only ? `and ${only.sql}` : ''} order by ${table}.created_at desc, ${table}.id desc limit ?`

const valuesFor = ({ clientId, userId }: CallerUser, only?: Condition) => [
  ...[clientId, userId],
  ...(only ? [only.value] : []),
  MOST_SHOWN,
]

function statusOf(
  grantId: string | null,
  { is_over, requires_authentication }: Pick<RecordRow, 'is_over' | 'requires_authentication'>,
): IntegrationStatus {
  if (!grantId) return 'pending'
  if (is_over) return 'disconnected'
  return requires_authentication ? 'requires_authentication' : 'connected'
}

/** A grant that has no record of its own is an integration by another name. */
const integrationIdOf = (grantId: string) => grantId.replace(/^gra_/, 'int_')
const grantIdOf = (integrationId: string) => integrationId.replace(/^int_/, 'gra_')
