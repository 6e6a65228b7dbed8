import { defineEntity, p } from '@mikro-orm/core'

/**
 * A mailbox to which one client has been given access: a person's or a room's, through a service account; or a person's,
 * connected by that person. The `sub` of its tokens.
 */
const AccountSchema = defineEntity({
  name: 'Account',
  tableName: 'accounts',
  properties: {
    id: p.text().primary(),
    clientId: p.text(),
    /** Null: its owner has connected it. */
    serviceAccountId: p.text().nullable(),
    /** What the client calls its user whose account this is; null where it has named none. */
    userId: p.text().nullable(),
    provider: p.text().$type<'google' | 'microsoft'>(),
    /** Primary address when it was last granted; who else may have it since, only the provider knows. */
    email: p.text(),
    kind: p.text().$type<'person' | 'room'>(),
    displayName: p.text().nullable(),
    /** What the provider itself calls this mailbox, whatever its address is today. */
    providerUserId: p.text(),
    /** Microsoft, where its owner has connected it: the tenant within which `providerUserId` is unique. */
    organisationId: p.text().nullable(),
    profileId: p.text(),
    createdAt: p.datetime(),
  },
})
export class Account extends AccountSchema.class {}
AccountSchema.setClass(Account)
