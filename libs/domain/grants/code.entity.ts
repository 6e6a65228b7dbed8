import { defineEntity, p } from '@mikro-orm/core'

/** A single-use code, kept as a hash. `requestId` is set for a code that travels in a callback. */
const CodeSchema = defineEntity({
  name: 'Code',
  tableName: 'codes',
  properties: {
    codeHash: p.text().primary(),
    grantId: p.text(),
    clientId: p.text(),
    /** The redirect URI or callback URL, byte for byte. */
    redirectUri: p.text(),
    /** Of PKCE (S256), where the authorization request had one. A callback has none: no browser carries its code. */
    codeChallenge: p.text().nullable(),
    requestId: p.text().nullable(),
    expiresAt: p.datetime(),
    redeemedAt: p.datetime().nullable(),
    /** A later delivery attempt carries another code; this one is dead, and its use is no replay. */
    supersededAt: p.datetime().nullable(),
  },
})
export class Code extends CodeSchema.class {}
CodeSchema.setClass(Code)
