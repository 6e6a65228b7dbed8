import { defineEntity, p } from '@mikro-orm/core'

/** The operator's own registration at a provider: for every client, or for one. Ciphertext only. */
const ProviderCredentialSchema = defineEntity({
  name: 'ProviderCredential',
  tableName: 'provider_credentials',
  properties: {
    id: p.text().primary(),
    provider: p.text(),
    /** Null: operator-wide. */
    clientId: p.text().nullable(),
    sealedCredential: p.text().nullable(),
    /** The OAuth registration with which administrators sign in. */
    signInClientId: p.text().nullable(),
    sealedSignInSecret: p.text().nullable(),
    /** New with every change: part of the cache keys of tokens made with it. */
    version: p.text(),
    /** Of what acts, where it is known. */
    expiresAt: p.datetime().nullable(),
    /** Days before it expires at which was warned last. */
    warnedDays: p.integer().nullable(),
    /** What acted before, for the way back. */
    sealedFormerCredential: p.text().nullable(),
    formerExpiresAt: p.datetime().nullable(),
    formerReplacedAt: p.datetime().nullable(),
    updatedAt: p.datetime(),
  },
})
export class ProviderCredential extends ProviderCredentialSchema.class {}
ProviderCredentialSchema.setClass(ProviderCredential)
