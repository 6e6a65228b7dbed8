/** Every act that is put on record, and what it says. */
const ACTS = {
  'consent.begun':
    'an administrator signed in or gave a credential, for the first time in this visit; subject: the consent',
  'consent.allowed': 'an administrator allowed; subject: the consent',
  'consent.denied': 'an administrator denied; subject: the consent',
  'access.requested': 'a client asked for a mailbox; subject: the request',
  'access.cancelled': 'a request was withdrawn, by its client or with its service account; subject: the request',
  'access.redelivered': 'somebody asked to call the client back once more; subject: the request',
  'mint.granted': 'the provider lets us act as the mailbox; subject: the grant',
  'mint.denied': 'it does not, or what was granted ended before the client was told; subject: the request',
  'code.issued': 'a code was made; subject: the grant',
  'callback.attempted': 'the client was called back; subject: the request',
  'callback.abandoned': 'and will not be any more; subject: the request',
  'code.exchanged': 'a client got tokens; subject: the grant',
  'code.replayed': 'a code was used twice, and its grant ended; subject: the grant',
  'token.refreshed': 'a client got new tokens; subject: the grant',
  'token.replayed': 'a refresh token was used after its time, and its grant ended; subject: the grant',
  'provider_token.handed_over': "a client was given the provider's own token of a mailbox; subject: the grant",
  'mailbox.read': 'first read through the proxy in this hour by this process; subject: the grant',
  'mailbox.changed': 'a call that changes something is sent through the proxy; subject: the grant',
  'account.connected': 'a person connected their account; subject: the grant',
  'account.refused': 'a person did not connect their account, and why; subject: the sign-in',
  'account.checked':
    'the provider said whether a connected account still works, and that had changed; subject: the account',
  'grant.narrowed':
    'a mailbox may be used for less than before, because its organisation allows less; subject: the grant',
  'grant.revoked': 'a mailbox was taken back; subject: the account',
  'grant.ended': 'the provider no longer lets anybody act as this mailbox, so its grants ended; subject: the account',
  'service_account.active': 'it works again, or the provider answers again; subject: the service account',
  'service_account.degraded': 'it works in part, or not at this moment; subject: the service account',
  'service_account.failing': 'nothing works until somebody mends it; subject: the service account',
  'service_account.credential_rolled_back':
    "the organisation's own credential from before the last consent acts again; subject: the service account",
  'service_account.narrowed': 'an administrator allowed less than before; subject: the service account',
  'service_account.expiry_set': "it was said when the organisation's credential expires; subject: the service account",
  'service_account.revoked': 'an organisation was taken back, with all under it; subject: the service account',
  'service_account.grants_ended': 'which is now written in so many of its grants; subject: the service account',
  'client.registered': 'subject: the client',
  'client.secret_rotated': 'the one before works for another day; subject: the client',
  'client.user_secret_rotated':
    'a secret for user tokens was made; the one before works for another day; subject: the client',
  'client.user_secrets_ended': 'no secret for user tokens works any more; subject: the client',
  'client.jwks_set': 'the keys that verify user tokens were set, replaced or taken away; subject: the client',
  'client.provider_tokens_allowed':
    "it may be given the provider's own tokens of mailboxes from now on; subject: the client",
  'client.provider_tokens_forbidden': 'it gets none any more; subject: the client',
  'client.disabled': 'subject: the client',
  'api_key.created': 'an API key for GraphQL was made; subject: the key',
  'api_key.revoked': 'it opens nothing any more; subject: the key',
  'client.event_url_set': 'it is told of changes there from now on, or nowhere; subject: the client',
  'event.delivered': 'the client was told of a change; subject: the event',
  'event.abandoned': 'and will not be any more; subject: the event',
  'event.redelivered': 'somebody asked to tell it once more; subject: the event',
  'credential.expiring': 'a warning, 30, 14, 7 or 1 days before; subject: the registration or service account',
  'provider.credential_rolled_back': 'the one before acts again; subject: the registration',
  'provider.credential_set': "the operator's registration at a provider was changed; subject: the registration",
  'secrets.rotated': 'what is sealed was sealed anew with the newest key',
  'secret.not_opened':
    'what is sealed did not open, for the first time in this hour, column and process; subject: its row',
  'audit.chain_begun': "a client's chain has its first row; subject: the client",
  'audit.exported': 'somebody was given a part of the audit',
  'audit.archived': 'a month of the audit left the database for an archive; subject: the month',
} as const

type Act = keyof typeof ACTS

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
