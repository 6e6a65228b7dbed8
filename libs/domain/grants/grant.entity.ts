import { defineEntity, p } from '@mikro-orm/core'

/**
 * What a client may do, for a service account, for one mailbox of it, or for an account that its owner has connected. Every code and token hangs on one grant, so
 * "revoke" has one meaning.
 */
const GrantSchema = defineEntity({
  name: 'Grant',
  tableName: 'grants',
  properties: {
    id: p.text().primary(),
    clientId: p.text(),
    /** Null: the account was connected by its owner, and no administrator has a part in it. */
    serviceAccountId: p.text().nullable(),
    /** Null: the grant is the service account's own. One of the two is always there. */
    accountId: p.text().nullable(),
    /** Of the mailbox, where it was granted through a service account: what a consent to people alone is held to at every use. */
    kind: p.text().$type<'person' | 'room'>().nullable(),
    scope: p.array(),
    /** Counts the rotations of the refresh token. */
    refreshGeneration: p.integer().default(0),
    createdAt: p.datetime(),
    revokedAt: p.datetime().nullable(),
  },
})
export class Grant extends GrantSchema.class {}
GrantSchema.setClass(Grant)

/** The service account whose own grant this is; null where the grant is for one mailbox. */
export const ownServiceAccountOf = ({ accountId, serviceAccountId }: Grant): string | null =>
  accountId ? null : (serviceAccountId ?? null)

/** The `sub` on the wire. */
export const subjectOf = (grant: Grant) => (grant.accountId ?? grant.serviceAccountId)!
