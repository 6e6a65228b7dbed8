import { defineEntity, p } from '@mikro-orm/core'

/** What a client shows at the GraphQL face (`key_…`). Of the key itself there is a hash. */
const ApiKeySchema = defineEntity({
  name: 'ApiKey',
  tableName: 'api_keys',
  properties: {
    id: p.text().primary(),
    clientId: p.text(),
    keyHash: p.text(),
    /** As `api-key-scopes` has them. */
    scope: p.array(),
    createdAt: p.datetime(),
    expiresAt: p.datetime().nullable(),
    revokedAt: p.datetime().nullable(),
    /** To the minute: a use within a minute of another one is not written. */
    lastUsedAt: p.datetime().nullable(),
  },
})
export class ApiKey extends ApiKeySchema.class {}
ApiKeySchema.setClass(ApiKey)
