import { defineEntity, p } from '@mikro-orm/core'

/**
 * What a client may do, for a service account or for one mailbox. Every code and token hangs on one grant, so
 * "revoke" has one meaning.
 */
const GrantSchema = defineEntity({
  name: 'Grant',
  tableName: 'grants',
  properties: {
    id: p.text().primary(),
    clientId: p.text(),
    serviceAccountId: p.text(),
    /** Null: the grant is the service account's own. */
    accountId: p.text().nullable(),
    scope: p.array(),
    /** Counts the rotations of the refresh token. */
    refreshGeneration: p.integer().default(0),
    createdAt: p.datetime(),
    revokedAt: p.datetime().nullable(),
  },
})
export class Grant extends GrantSchema.class {}
GrantSchema.setClass(Grant)

/** The `sub` on the wire. */
export const subjectOf = (grant: Grant) => grant.accountId ?? grant.serviceAccountId
