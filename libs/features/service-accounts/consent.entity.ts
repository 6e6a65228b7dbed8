import { defineEntity, p } from '@mikro-orm/core'
import type { SignedInAdministrator, VerifiedOrganisation } from '#domain/providers/administrator.port.js'
import type { DelegatedScope } from '#domain/providers/delegated-scopes.js'
import type { ProviderName } from '#domain/providers/provider.port.js'
import type { ConsentStep } from './consent-journey.js'

export type CredentialSource = 'operator' | 'customer'

/** What the browser was sent to the provider for, and how its return will be recognised. */
export interface AwaitedReturn {
  purpose: 'sign-in' | 'admin-consent'
  stateHash: string
  /** Milliseconds since 1970: JSON has no dates. */
  expiresAt: number
}

/** What was typed in, kept so that a form comes back filled. Nothing in here is secret. */
export interface Entered {
  /** Google: the administrator whom we act as. Microsoft: the mailbox to try. */
  mailbox?: string
  tenant?: string
  clientId?: string
  proof?: 'secret' | 'certificate'
  /** A day, `2027-01-31`: only whoever made a client secret knows when it ends. */
  secretExpiresOn?: string
}

/** An administrator's visit: what was asked, how far they are, and what has been proven. See consent-journey. */
const ConsentSchema = defineEntity({
  name: 'Consent',
  tableName: 'consents',
  properties: {
    /** Part of the address; worth nothing without the cookie. */
    id: p.text().primary(),
    clientId: p.text(),
    redirectUri: p.text(),
    scope: p.array(),
    delegatedScope: p.array().$type<DelegatedScope[]>(),
    /** Still percent-encoded, as it came: the only way to give back every byte. */
    encodedState: p.text().nullable(),
    /** Of PKCE; goes with the code. */
    codeChallenge: p.text().nullable(),
    /** Hash of the cookie that ties this consent to one browser. */
    cookieHash: p.text(),
    /** When somebody first signed in or gave a credential: since then this visit is on record. */
    begunAt: p.datetime().nullable(),
    step: p.text().$type<ConsentStep>(),
    /** Counts the moves, so that a form is good for one of them. */
    revision: p.integer(),
    provider: p.text().$type<ProviderName>().nullable(),
    credentialSource: p.text().$type<CredentialSource>().nullable(),
    awaitedReturn: p.json().$type<AwaitedReturn>().nullable(),
    /** Nonce and PKCE verifier of the sign-in under way. */
    sealedSignIn: p.text().nullable(),
    administrator: p.json().$type<SignedInAdministrator>().nullable(),
    entered: p.json().$type<Entered>().nullable(),
    /** The organisation's own credential, until it is allowed, denied or expired. */
    sealedCredential: p.text().nullable(),
    organisation: p.json().$type<VerifiedOrganisation>().nullable(),
    verifiedAt: p.datetime().nullable(),
    serviceAccountId: p.text().nullable(),
    createdAt: p.datetime(),
    expiresAt: p.datetime(),
    endedAt: p.datetime().nullable(),
  },
})
export class Consent extends ConsentSchema.class {}
ConsentSchema.setClass(Consent)
