/** Every act that is put on record, and what it says. */
export const ACTS = {
  'consent.begun': "a browser followed a client's link",
  'consent.allowed': 'an administrator allowed; subject: the consent',
  'consent.denied': 'an administrator denied; subject: the consent',
  'access.requested': 'a client asked for a mailbox; subject: the request',
  'access.cancelled': 'a request was withdrawn, by its client or with its service account; subject: the request',
  'access.redelivered': 'somebody asked to call the client back once more; subject: the request',
  'mint.granted': 'the provider lets us act as the mailbox; subject: the grant',
  'mint.denied': 'it does not; subject: the request',
  'code.issued': 'a code was made; subject: the grant',
  'callback.attempted': 'the client was called back; subject: the request',
  'callback.abandoned': 'and will not be any more; subject: the request',
  'code.exchanged': 'a client got tokens; subject: the grant',
  'code.replayed': 'a code was used twice, and its grant ended; subject: the grant',
  'token.refreshed': 'a client got new tokens; subject: the grant',
  'token.replayed': 'a refresh token was used after its time, and its grant ended; subject: the grant',
  'mailbox.read': 'first read through the proxy in this hour by this process; subject: the grant',
  'grant.revoked': 'a mailbox was taken back; subject: the account',
  'service_account.revoked': 'an organisation was taken back, with all under it; subject: the service account',
  'client.registered': 'subject: the client',
  'client.secret_rotated': 'the one before works for another day; subject: the client',
  'client.disabled': 'subject: the client',
  'provider.credential_set': "the operator's registration at a provider was changed; subject: the registration",
  'secrets.rotated': 'what is sealed was sealed anew with the newest key',
  'audit.chain_begun': "a client's chain has its first row; subject: the client",
  'audit.exported': 'somebody was given a part of the audit',
} as const

export type Act = keyof typeof ACTS

/** The chain of what concerns no client, or all of them. */
export const OPERATOR_CHAIN = 'operator'

/** What an act has to say. Who did it and from where is known already ({@link Origin}), unless `actor` says better. */
export interface AuditedAct {
  /** Whose chain it belongs to: a client's, or {@link OPERATOR_CHAIN}. */
  clientId: string
  at: Date
  act: Act
  actor?: string
  serviceAccountId?: string | null
  /** An address, as requests and accounts have it. */
  mailbox?: string | null
  /** The id of what was acted on. */
  subject?: string | null
  /** An error key. */
  reason?: string | null
  details?: Record<string, string | number | boolean | null | string[]>
}

/** A row as it stands in the chain. Times are ISO 8601 in UTC, to the millisecond. */
export interface AuditEvent {
  client_id: string
  sequence: number
  version: number
  at: string
  act: string
  actor: string
  address: string | null
  request_id: string | null
  service_account_id: string | null
  mailbox: string | null
  subject: string | null
  reason: string | null
  /** JSON, kept as the text it was written as: what is hashed must never be formatted anew. */
  details: string | null
  previous: string
  hash: string
}
