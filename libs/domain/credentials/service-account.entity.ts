import { defineEntity, p } from '@mikro-orm/core'
import type { LiveState } from './service-account-states.js'

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
    /** Of the sealed one, where it is known. */
    credentialExpiresAt: p.datetime().nullable(),
    /** Days before it expires at which was warned last. */
    warnedDays: p.integer().nullable(),
    /** What it acted with before, for the way back. */
    formerCredentialSource: p.text().$type<'operator' | 'customer'>().nullable(),
    sealedFormerCredential: p.text().nullable(),
    formerExpiresAt: p.datetime().nullable(),
    formerReplacedAt: p.datetime().nullable(),
    scope: p.array(),
    delegatedScope: p.array(),
    /**
     * Where an administrator has allowed less than before: every scope within `delegatedScope`. Grants, and requests that are
     * not decided, may go further, and count for no more. Null: none of them does.
     */
    narrowedTo: p.array().nullable(),
    /** Set with it: the kinds of mailboxes, `person` and `room`, that count at all. */
    narrowedKinds: p.array().nullable(),

    /** Written by `service-account-states` alone; `revokedAt` goes before it. */
    state: p.text().$type<LiveState>().default('active'),
    /** The error key of what keeps it from being active. */
    stateReason: p.text().nullable(),
    /** Null: since it was made. */
    stateSince: p.datetime().nullable(),
    /** When it is tried at the provider again. Null: not before something goes wrong. */
    probeAt: p.datetime().nullable(),
    /** A probe is under way since then. */
    probingSince: p.datetime().nullable(),
    /** When the last probe began that found something out. */
    probedAt: p.datetime().nullable(),
    /** In a row. */
    failedProbes: p.integer().default(0),
    /** Requests may be waiting for it to come back. */
    holdsRequests: p.boolean().default(false),
    createdAt: p.datetime(),
    updatedAt: p.datetime(),
    revokedAt: p.datetime().nullable(),
  },
})
export class ServiceAccount extends ServiceAccountSchema.class {}
ServiceAccountSchema.setClass(ServiceAccount)
