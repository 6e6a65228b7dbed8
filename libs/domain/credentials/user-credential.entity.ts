import { defineEntity, p } from '@mikro-orm/core'
import type { SealingPlace } from '#platform/secrets/sealer.js'

/**
 * With what we act for one account that its owner has connected. It lies apart from the account, whose row everybody may
 * read, and goes when the account is disconnected. Only `user-credential-statements` writes it.
 */
const UserCredentialSchema = defineEntity({
  name: 'UserCredential',
  tableName: 'user_credentials',
  properties: {
    /** The account's own: an account has one, however often its owner signs in. */
    id: p.text().primary(),
    clientId: p.text(),
    provider: p.text().$type<'google' | 'microsoft'>(),
    providerUserId: p.text(),
    /** Google: `hd`. Microsoft: `tid`. Null for a consumer of Google. */
    organisationId: p.text().nullable(),
    /** Microsoft: where the account lies. */
    cloud: p.text().$type<'global' | 'us-government' | 'us-dod' | 'china'>().nullable(),
    /** Client id at the provider of the registration that was signed in to: the refresh token is good with no other. */
    registrationId: p.text(),
    sealedRefreshToken: p.text(),
    /** Provider scopes that were really granted. */
    grantedScopes: p.array(),
    /** Changes with each sign-in: part of every cache key. */
    version: p.text(),
    /** Counts the refresh tokens within a version. What is learned from one that was replaced meanwhile is not believed. */
    rotation: p.integer(),
    /** The number of the latest claim to refresh, and until when it holds. */
    claimFence: p.bigint('string'),
    claimedUntil: p.datetime().nullable(),
    refreshTokenUpdatedAt: p.datetime(),
    accessTokenUpdatedAt: p.datetime(),
    lastCheckedAt: p.datetime(),
    /** Our error key; null when all was well. */
    lastCheckedError: p.text().nullable(),
    /** The provider has ended this grant: only its owner can mend that, by signing in again. */
    requiresAuthenticationSince: p.datetime().nullable(),
    /** When the provider is to be asked again whether it still works; null: never. */
    checkAt: p.datetime().nullable(),
    /** Disconnected here, and yet to be taken back at the provider. Nothing acts with it any more. */
    disconnectedAt: p.datetime().nullable(),
  },
})
export class UserCredential extends UserCredentialSchema.class {}
UserCredentialSchema.setClass(UserCredential)

export const refreshTokenPlace = ({ id, clientId }: { id: string; clientId: string }): SealingPlace => ({
  table: 'user_credentials',
  column: 'sealed_refresh_token',
  row: id,
  client: clientId,
})
