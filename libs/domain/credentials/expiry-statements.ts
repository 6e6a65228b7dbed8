import { OPERATOR_CHAIN } from '#domain/audit/audit-event.js'
import { recordActsOf } from '#domain/audit/record-act.js'
import { announceEventsOf } from '#domain/events/announce-event.js'
import { days } from '#platform/clock/clock.js'
import { defineStatement } from '#platform/database/statement.js'

/** Days before a credential expires at which somebody is told, each once. */
const WARN_DAYS_BEFORE = [30, 14, 7, 1] as const

export interface ExpiryWarning {
  /** Of the service account or the registration. */
  id: string
  client_id: string | null
  provider: string
  expires_at: Date
  days: number
}

/** The warning that is due for what expires at that time: the smallest number of days that is still enough. */
const daysLeft = (expiresAt: string) =>
  `case ${WARN_DAYS_BEFORE.toReversed()
    .map((days) => `when ${expiresAt} <= $1::timestamptz + interval '${days} days' then ${days}`)
    .join(' ')} end`

interface Expiring {
  name: string
  table: 'service_accounts' | 'provider_credentials'
  expiresAt: 'credential_expires_at' | 'expires_at'
  /** SQL over a row. */
  isInUse: string
  serviceAccountId: string
  details: string
}

/** Whoever comes first warns; the others find that it has been done. Values: now, rows at most. */
const warnOf = ({ name, table, expiresAt, isInUse, serviceAccountId, details }: Expiring) =>
  defineStatement<ExpiryWarning>(
    `warn-of-expiring-${name}`,
    `with warned as (
       update ${table} c set warned_days = due.days
       from (
         select id, ${daysLeft(expiresAt)} as days from ${table}
         where ${expiresAt} > $1 and ${expiresAt} <= $1::timestamptz + interval '${WARN_DAYS_BEFORE[0]} days' and ${isInUse}
           and coalesce(warned_days, 1000) > ${daysLeft(expiresAt)}
         order by ${expiresAt} limit $2 for update skip locked
       ) due
       where c.id = due.id
       returning c.*, due.days
     ), audited as (
       ${recordActsOf('warned', {
         ...{ client_id: `coalesce(client_id, '${OPERATOR_CHAIN}')`, at: '$1', act: `'credential.expiring'` },
         ...{ service_account_id: serviceAccountId, subject: 'id' },
         details: `jsonb_build_object('provider', provider, 'days', days, 'expires_at', ${expiresAt})::text`,
       })}
     ), announced as (
       ${announceEventsOf('warned', {
         ...{ client_id: 'client_id', at: '$1', type: `'credential.expiring'`, service_account_id: serviceAccountId },
         data: `jsonb_build_object('provider', provider, 'days', days, 'expires_at', ${expiresAt}) ${details}`,
       })}
     )
     select id, client_id, provider, ${expiresAt} as expires_at, days from warned`,
  )

/** So long a credential that was replaced is kept for the way back. */
const FORMER_KEPT = days(30)

/** A secret that nobody will go back to is only a secret that can be stolen. Values: now, rows at most. */
const forgetFormer = (table: 'service_accounts' | 'provider_credentials') =>
  defineStatement<{ id: string }>(
    `forget-former-credentials-of-${table}`,
    `update ${table} set sealed_former_credential = null, former_expires_at = null, former_replaced_at = null
       ${table === 'service_accounts' ? ', former_credential_source = null' : ''}
     where id in (
       select id from ${table} where former_replaced_at < $1::timestamptz - interval '${FORMER_KEPT} ms'
       limit $2 for update skip locked
     ) returning id`,
  )

export const FORGET_FORMER = [forgetFormer('service_accounts'), forgetFormer('provider_credentials')] as const

/** What organisations have given. */
export const WARN_OF_SERVICE_ACCOUNTS = warnOf({
  name: 'service-accounts',
  table: 'service_accounts',
  expiresAt: 'credential_expires_at',
  isInUse: `revoked_at is null and credential_source = 'customer'`,
  serviceAccountId: 'id',
  details: `|| jsonb_build_object('organisation_id', organisation_id, 'organisation_name', organisation_name)`,
})

/** What the operator acts with. Of one that all clients share no client is told: none of them could do anything. */
export const WARN_OF_REGISTRATIONS = warnOf({
  name: 'registrations',
  table: 'provider_credentials',
  expiresAt: 'expires_at',
  isInUse: 'sealed_credential is not null',
  serviceAccountId: 'null::text',
  details: '',
})
