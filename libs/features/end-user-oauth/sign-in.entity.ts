import { defineEntity, p } from '@mikro-orm/core'
import type { ProviderName } from '#domain/providers/provider.port.js'
import type { Dialect } from './dialects.js'
import type { SignInStep } from './sign-in-journey.js'

/** One visit of one person to a provider, to connect an account there. See sign-in-journey. */
const SignInSchema = defineEntity({
  name: 'SignIn',
  tableName: 'sign_ins',
  properties: {
    id: p.text().primary(),
    clientId: p.text(),
    /** In which the client asked, and gets its answer. */
    dialect: p.text().$type<Dialect>(),
    /** What the client calls its user; null where it named none. */
    userId: p.text().nullable(),
    /** Work-API: what this account is for. */
    integrationId: p.text().nullable(),
    /** What was asked for: delegated scopes, or uses of an account. */
    scope: p.array(),
    /** Provider scopes that grants of the same account stand on: asked for together with it, or they would be lost. */
    scopesBeside: p.array().default([]),
    /** Null until it is chosen. */
    provider: p.text().$type<ProviderName>().nullable(),
    /** The address that is expected back. */
    loginHint: p.text().nullable(),
    /** Where the browser ends; null: on a page of ours. */
    redirectUri: p.text().nullable(),
    /** Still percent-encoded, as it came: the only way to give back every byte. */
    encodedState: p.text().nullable(),
    /** Of the client's PKCE; goes with the code. */
    codeChallenge: p.text().nullable(),
    /** Hash of the cookie that ties it to one browser; null where the browser never was at our door before it left. */
    cookieHash: p.text().nullable(),
    step: p.text().$type<SignInStep>(),
    /** Of the state with which the browser was last sent away. */
    stateHash: p.text().nullable(),
    /** Nonce and PKCE verifier of that; once the browser is back, perhaps also the provider's code. */
    sealedAttempt: p.text().nullable(),
    /** Of the code that the client has to hand in. */
    handOverHash: p.text().nullable(),
    createdAt: p.datetime(),
    expiresAt: p.datetime(),
    endedAt: p.datetime().nullable(),
  },
})
export class SignIn extends SignInSchema.class {}
SignInSchema.setClass(SignIn)
