import { defineEntity, p } from '@mikro-orm/core'
import type { JSONWebKeySet } from 'jose'

/** A calling application: a SaaS backend that asks for access. Its id is its public `client_id`. */
const ClientSchema = defineEntity({
  name: 'Client',
  tableName: 'clients',
  properties: {
    id: p.text().primary(),
    name: p.text(),
    redirectUris: p.array(),
    /** Callbacks may go to these origins and nowhere else. */
    callbackOrigins: p.array(),
    /** Signs callbacks by Standard Webhooks (`whsec_…`). */
    sealedSigningSecret: p.text(),
    /** Verify user tokens: public keys as the operator gave them, or where the client publishes them; neither, or one. */
    jwks: p.json<JSONWebKeySet>().nullable(),
    jwksUri: p.text().nullable(),
    /** Where it is told what changes with its service accounts. Null: it is told nothing. */
    eventUrl: p.text().nullable(),
    /** The operator's word, and no by default: what it is handed is no longer held by the proxy's fence. */
    mayHoldProviderTokens: p.boolean().default(false),
    createdAt: p.datetime(),
    disabledAt: p.datetime().nullable(),
  },
})
export class Client extends ClientSchema.class {}
ClientSchema.setClass(Client)

/** One of at most two live secrets. What authenticates is a hash; what signs `Cronofy-HMAC-SHA256` must be read again, so it is sealed. */
const ClientSecretSchema = defineEntity({
  name: 'ClientSecret',
  tableName: 'client_secrets',
  properties: {
    id: p.text().primary(),
    clientId: p.text(),
    secretHash: p.text(),
    sealedSecret: p.text(),
    createdAt: p.datetime(),
    /** Set when a newer secret took over; null for the newest. */
    expiresAt: p.datetime().nullable(),
  },
})
export class ClientSecret extends ClientSecretSchema.class {}
ClientSecretSchema.setClass(ClientSecret)

/** One of at most two live secrets with which a client signs user tokens (HS256). It verifies too, so it is sealed and not hashed. */
const UserTokenSecretSchema = defineEntity({
  name: 'UserTokenSecret',
  tableName: 'user_token_secrets',
  properties: {
    id: p.text().primary(),
    clientId: p.text(),
    sealedSecret: p.text(),
    createdAt: p.datetime(),
    /** Set when a newer secret took over; null for the newest. */
    expiresAt: p.datetime().nullable(),
  },
})
export class UserTokenSecret extends UserTokenSecretSchema.class {}
UserTokenSecretSchema.setClass(UserTokenSecret)
