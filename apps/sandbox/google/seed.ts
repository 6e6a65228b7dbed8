import { z } from 'zod'

/** What the Google stand-in starts with. Everything left out has the value an ordinary organisation would have. */

const address = z.email().transform((value) => value.toLowerCase())
const domainName = z
  .string()
  .regex(/^[a-z0-9.-]+\.[a-z0-9-]+$/i, 'is not a domain name')
  .transform((value) => value.toLowerCase())

export const userSeed = z.strictObject({
  email: address,
  /** Twenty-one digits; made from the address when left out, so that it is the same after every start. */
  id: z.string().regex(/^\d+$/).optional(),
  givenName: z.string().optional(),
  familyName: z.string().optional(),
  aliases: z.array(address).default([]),
  isAdmin: z.boolean().default(false),
  /** Holds an administrator role that may read users and resources, without being a super administrator. */
  isDelegatedAdmin: z.boolean().default(false),
  suspended: z.boolean().default(false),
  archived: z.boolean().default(false),
  /** False: the Calendar service is switched off for this person. */
  calendar: z.boolean().default(true),
  orgUnitPath: z.string().startsWith('/').default('/'),
})

const roomSeed = z.strictObject({
  email: address,
  name: z.string(),
  resourceId: z.string().optional(),
  category: z.enum(['CONFERENCE_ROOM', 'OTHER', 'CATEGORY_UNKNOWN']).default('CONFERENCE_ROOM'),
  capacity: z.int().nullable().default(null),
  buildingId: z.string().nullable().default(null),
  floorName: z.string().nullable().default(null),
})

/** One line of the Admin console's page "Domain-wide delegation". */
export const delegationSeed = z.strictObject({
  /** The numeric client id of a service account, never its address. */
  clientId: z.string().regex(/^\d+$/, 'is not a numeric client id'),
  scopes: z.array(z.string().min(1)).min(1),
  /** How long it takes to arrive; Google says minutes, and up to a day. */
  delayMs: z.int().min(0).default(0),
})

const organisationSeed = z.strictObject({
  customerId: z.string().regex(/^C[0-9a-z]{8}$/, 'is not a customer id such as C01abc234'),
  /** Verified unless said otherwise; the first is the primary one. */
  domains: z
    .array(
      z.strictObject({
        name: domainName,
        verified: z.boolean().default(true),
        aliases: z.array(domainName).default([]),
      }),
    )
    .min(1),
  users: z.array(userSeed).default([]),
  /** So many people more, made up: user00001@… */
  mailboxes: z.int().min(0).max(200_000).default(0),
  rooms: z.array(roomSeed).default([]),
  buildings: z.array(z.strictObject({ id: z.string(), name: z.string() })).default([]),
  delegations: z.array(delegationSeed).default([]),
  /** Clients, by id, that the administrator has blocked under API controls. */
  blockedClientIds: z.array(z.string()).default([]),
})

const serviceAccountKeySeed = z.strictObject({
  id: z.string(),
  /** PEM, the public half only. */
  publicKey: z.string().startsWith('-----BEGIN PUBLIC KEY-----'),
  disabled: z.boolean().default(false),
})

const serviceAccountSeed = z.strictObject({
  email: address,
  clientId: z.string().regex(/^\d+$/),
  disabled: z.boolean().default(false),
  keys: z.array(serviceAccountKeySeed).default([]),
  /** Who has the role Service Account Token Creator on it: service accounts by address, identities by principal. */
  tokenCreators: z.array(z.string()).default([]),
})

/** A workload identity pool with one provider, and who comes from there. */
const workloadIdentitySeed = z.strictObject({
  audience: z.string().startsWith('//iam.googleapis.com/'),
  /** By what the platform shows: a whole token, or for AWS the access key that signed. */
  principals: z.record(z.string(), z.string().startsWith('principal://')),
})

const oauthClientSeed = z.strictObject({
  clientId: z.string().endsWith('.apps.googleusercontent.com'),
  clientSecret: z.string().min(1),
  name: z.string(),
  /** Exact, or `loopback`: any port and path of 127.0.0.1, localhost and [::1]. */
  redirectUris: z.array(z.union([z.literal('loopback'), z.url()])).default(['loopback']),
  /** The user type "Internal" of the consent screen: only people of this organisation. */
  internalTo: z.string().nullable().default(null),
})

export const googleSeed = z.strictObject({
  organisations: z.array(organisationSeed).default([]),
  /** Accounts without an organisation: no `hd`. */
  personalAccounts: z.array(userSeed).default([]),
  serviceAccounts: z.array(serviceAccountSeed).default([]),
  oauthClients: z.array(oauthClientSeed).default([]),
  workloadIdentities: z.array(workloadIdentitySeed).default([]),
})

export type GoogleSeed = z.infer<typeof googleSeed>
export type GoogleSeedInput = z.input<typeof googleSeed>
export type OrganisationSeed = z.infer<typeof organisationSeed>
export type UserSeed = z.infer<typeof userSeed>
export type OAuthClientSeed = z.infer<typeof oauthClientSeed>
