import type { Readable } from 'node:stream'
import type { Secret } from '#platform/secrets/secret.js'
import type { DelegatedPermission } from './delegated-scopes.js'

/** The tenant that Microsoft keeps all consumers in (`tid`); Google's consumers have no `hd`. */
export const MICROSOFT_CONSUMERS = '9188040d-6c67-4c5b-b112-36a304b66dad'

export type ProviderName = 'google' | 'microsoft'
export const PROVIDER_NAMES: readonly ProviderName[] = ['google', 'microsoft']

/** A Google service account whose client id an administrator has put under domain-wide delegation. */
export interface GoogleCredential {
  provider: 'google'
  clientEmail: string
  /** The numeric client id that the administrator pastes into the Admin console. */
  clientId: string
  proof:
    | { kind: 'keys'; keys: readonly GoogleKey[] }
    /** No key at all: this installation's own platform vouches for it, and Google signs. The operator's only. */
    | { kind: 'workload-identity'; configuration: Secret<string> }
}

/** Several, the newest first, while one follows another. */
export interface GoogleKey {
  id: string | null
  /** PKCS#8 PEM. */
  privateKey: Secret<string>
}

export const MICROSOFT_CLOUD_NAMES = ['global', 'us-government', 'us-dod', 'china'] as const
export type MicrosoftCloudName = (typeof MICROSOFT_CLOUD_NAMES)[number]

/** A Microsoft app registration that acts with application permissions. */
export interface MicrosoftCredential {
  provider: 'microsoft'
  clientId: string
  /** Where the operator's registration is, and administrators sign in. Null for an organisation's own: its tenant says where. */
  cloud: MicrosoftCloudName | null
  proof:
    | { kind: 'secret'; clientSecret: Secret<string> }
    | {
        kind: 'certificate'
        /** The application's own certificate first, then whatever chain came with it. */
        certificatePem: string
        /** PKCS#8 PEM. */
        privateKey: Secret<string>
        /** Sends the chain along (`x5c`), for registrations that trust an issuer and a subject name instead of one certificate. */
        sendChain: boolean
      }
    /** A token of another issuer that the registration trusts, in a file that is read anew each time. The operator's only. */
    | { kind: 'federated'; tokenFile: string }
}

export type ProviderCredential = GoogleCredential | MicrosoftCredential

/** One organisation as a provider knows it, and the credential with which we may act for its mailboxes. */
export interface Organisation {
  /** Google: customer id (`C0…`). Microsoft: tenant GUID, never a domain. */
  id: string
  /** Verified domains, lower case. A mailbox elsewhere is not this organisation's, whatever the provider would let us do. */
  domains: readonly string[]
  /** Google reads the directory and the rooms through this administrator's mailbox. */
  administratorEmail: string
  credential: ProviderCredential
  /** Changes when the credential does: part of every cache key. */
  credentialVersion: string
  /** Microsoft: the cloud in which the tenant lies, as its discovery document said. */
  cloud?: MicrosoftCloudName | null
  /** When an administrator last allowed this: a fresh consent needs minutes until it is known everywhere. */
  authorisedAt?: Date
}

export type MailboxKind = 'person' | 'room'

/** What the provider said when we acted as the mailbox: proof of access, and of whose mailbox it is. */
export interface MailboxProof {
  /** The mailbox's primary address now: what was asked for may be an alias of it, or an address that it had. */
  email: string
  kind: MailboxKind
  displayName: string | null
  /** Never changes and is never given to another. Google: user id, or a room's resource id; Microsoft: object id. */
  providerUserId: string
}

/** A mailbox as it was proven: an address may have got another holder since, an id cannot. */
export type ProvenMailbox = Pick<MailboxProof, 'email' | 'kind' | 'providerUserId'>

export interface Room {
  email: string
  name: string
  capacity: number | null
  building: string | null
  floor: string | null
}

const CALL_METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const
export type CallMethod = (typeof CALL_METHODS)[number]

/** A call that has been admitted for exactly this mailbox (features/proxy decides) and may go to the provider as it is. */
export interface MailboxCall {
  method: CallMethod
  /** Path and query on the provider's API origin, e.g. `/calendar/v3/calendars/primary/events?maxResults=10`. */
  pathAndQuery: string
  /** Microsoft: the calendar that the path goes through, which has to be the mailbox's own. */
  calendarId?: string
  /** `accept`, `prefer` and the like; never `authorization`. */
  headers: Record<string, string>
  /**
   * With a call that changes something: what is sent, null where that is nothing. It is taken once.
   * @throws ApiError where it has been taken
   */
  takeBody?: () => AsyncIterable<Uint8Array> | null
  /** Aborts the upstream call when the caller goes away. */
  signal?: AbortSignal
}

export interface MailboxAnswer {
  status: number
  headers: Record<string, string>
  /** Whole where it is short; else as it comes, and holds a connection until it is read or destroyed. */
  body: Buffer | Readable
}

/** A provider's own token, for a client to hold: it opens one mailbox, and within it no more than was granted. */
export interface HandedToken {
  token: Secret<string>
  /** Earlier than the provider says. */
  usableUntil: Date
}

/**
 * Acting at a provider with one organisation's credential. Implementations: `google/`, `microsoft/`.
 * Every method throws `ProviderError` and nothing else; library errors are classified where they are caught.
 */
export interface OrganisationProvider {
  readonly name: ProviderName

  /**
   * Acts as the mailbox and lets the provider say whose it is.
   * Fails closed: an address outside `domains`, or a proof for a mailbox that `email` is no address of, is refused
   * (`<provider>.mailbox_outside_organisation`, `<provider>.mailbox_mismatch`). No other identity is tried.
   * @param permissions what the grant will allow; decides the provider scopes of the attempt
   * @param mayBe the kinds of mailbox that the service account's scope covers (`google.…`/`microsoft.kind_not_granted`)
   */
  proveMailbox(
    organisation: Organisation,
    email: string,
    permissions: readonly DelegatedPermission[],
    mayBe: readonly MailboxKind[],
  ): Promise<MailboxProof>

  /** Every room of the organisation, page by page behind the iterator. */
  listRooms(organisation: Organisation): AsyncIterable<Room>

  /**
   * Sends an admitted call with the mailbox's credential put in, and streams the answer.
   * @throws ProviderError `grant.mailbox_reassigned` where the address is somebody else's by now
   */
  callAs(
    organisation: Organisation,
    mailbox: ProvenMailbox,
    permissions: readonly DelegatedPermission[],
    read: MailboxCall,
  ): Promise<MailboxAnswer>

  /**
   * A token for the client itself, tried at the provider before it is given away.
   * @throws ProviderError `grant.token_too_wide` where the provider has none that opens this mailbox alone
   */
  tokenFor(
    organisation: Organisation,
    mailbox: ProvenMailbox,
    permissions: readonly DelegatedPermission[],
  ): Promise<HandedToken>
}
