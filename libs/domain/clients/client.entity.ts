import { defineEntity, p } from '@mikro-orm/core'

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
