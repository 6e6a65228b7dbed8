import { defineEntity, p } from '@mikro-orm/core'

const AccessTokenSchema = defineEntity({
  name: 'AccessToken',
  tableName: 'access_tokens',
  properties: {
    tokenHash: p.text().primary(),
    grantId: p.text(),
    /** Null: the grant's, unless a refresh asked for less. */
    scope: p.array().nullable(),
    createdAt: p.datetime(),
    expiresAt: p.datetime(),
  },
})
export class AccessToken extends AccessTokenSchema.class {}
AccessTokenSchema.setClass(AccessToken)

const RefreshTokenSchema = defineEntity({
  name: 'RefreshToken',
  tableName: 'refresh_tokens',
  properties: {
    tokenHash: p.text().primary(),
    grantId: p.text(),
    /** Equal to the grant's: the newest. One less: its answer may have been lost. Older: somebody replays it. */
    generation: p.integer(),
    createdAt: p.datetime(),
    usedAt: p.datetime().nullable(),
  },
})
export class RefreshToken extends RefreshTokenSchema.class {}
RefreshTokenSchema.setClass(RefreshToken)
