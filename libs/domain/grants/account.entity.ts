import { defineEntity, p } from '@mikro-orm/core'

/** A mailbox to which one client has been given access: a person's or a room's. The `sub` of its tokens. */
const AccountSchema = defineEntity({
  name: 'Account',
  tableName: 'accounts',
  properties: {
    id: p.text().primary(),
    clientId: p.text(),
    serviceAccountId: p.text(),
    provider: p.text().$type<'google' | 'microsoft'>(),
    /** Primary address when it was last granted; who else may have it since, only the provider knows. */
    email: p.text(),
    kind: p.text().$type<'person' | 'room'>(),
    displayName: p.text().nullable(),
    /** What the provider itself calls this mailbox, whatever its address is today. */
    providerUserId: p.text(),
    profileId: p.text(),
    createdAt: p.datetime(),
  },
})
export class Account extends AccountSchema.class {}
AccountSchema.setClass(Account)
