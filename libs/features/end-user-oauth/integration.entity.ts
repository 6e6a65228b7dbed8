import { defineEntity, p } from '@mikro-orm/core'
import type { IntegrationProvider, MediaType } from './dialects.js'

/** Work-API: what one user of a client wants an account for. The account itself is found through the grant. */
const IntegrationSchema = defineEntity({
  name: 'Integration',
  tableName: 'integrations',
  properties: {
    id: p.text().primary(),
    clientId: p.text(),
    userId: p.text(),
    provider: p.text().$type<IntegrationProvider>(),
    mediaType: p.text().$type<MediaType>(),
    /** Null until an account is connected for it. */
    grantId: p.text().nullable(),
    createdAt: p.datetime(),
    updatedAt: p.datetime(),
    deletedAt: p.datetime().nullable(),
  },
})
export class Integration extends IntegrationSchema.class {}
IntegrationSchema.setClass(Integration)
