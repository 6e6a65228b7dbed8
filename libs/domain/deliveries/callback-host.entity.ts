import { defineEntity, p } from '@mikro-orm/core'

/** A host that fails one client's callbacks, for as long as it does: there is no row for one that answers. */
const CallbackHostSchema = defineEntity({
  name: 'CallbackHost',
  tableName: 'callback_hosts',
  properties: {
    clientId: p.text().primary(),
    /** With its port, where that is not the scheme's own. */
    host: p.text().primary(),
    /** In a row. */
    failures: p.integer(),
    failedProbes: p.integer(),
    failingSince: p.datetime(),
    /** No attempt before then; who comes after it is the one probe. Null: not failing enough to be spared. */
    openUntil: p.datetime().nullable(),
    /** Our error code, or `status 503`. */
    lastFailure: p.text(),
  },
})
export class CallbackHost extends CallbackHostSchema.class {}
CallbackHostSchema.setClass(CallbackHost)
