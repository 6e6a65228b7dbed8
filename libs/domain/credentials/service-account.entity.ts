import { defineEntity, p } from '@mikro-orm/core'

/** One administrator's consent: this client may act for the mailboxes of this organisation, within `delegatedScope`. */
const ServiceAccountSchema = defineEntity({
  name: 'ServiceAccount',
  tableName: 'service_accounts',
  properties: {
    id: p.text().primary(),
    clientId: p.text(),
    provider: p.text().$type<'google' | 'microsoft'>(),
    /** Google customer id, Microsoft tenant GUID: what was proven, not what was claimed. */
    organisationId: p.text(),
    organisationName: p.text(),
    domains: p.array(),
    administratorEmail: p.text(),
    /** Microsoft: where the tenant lies. A tenant does not move between clouds. */
    cloud: p.text().$type<'global' | 'us-government' | 'us-dod' | 'china'>().nullable(),
    /** `operator`: acts with the operator's credential, as it is now. `customer`: with the sealed one below. */
    credentialSource: p.text().$type<'operator' | 'customer'>(),
    sealedCredential: p.text().nullable(),
    credentialVersion: p.text(),
    scope: p.array(),
    delegatedScope: p.array(),
    createdAt: p.datetime(),
    updatedAt: p.datetime(),
    revokedAt: p.datetime().nullable(),
  },
})
export class ServiceAccount extends ServiceAccountSchema.class {}
ServiceAccountSchema.setClass(ServiceAccount)
