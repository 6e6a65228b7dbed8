import { z } from 'zod'

/** What the Microsoft stand-in starts with. Everything left out has the value an ordinary organisation would have. */

const guid = z.guid().transform((value) => value.toLowerCase())
const address = z.email().transform((value) => value.toLowerCase())
const domain = z
  .string()
  .regex(/^[a-z0-9.-]+\.[a-z0-9-]+$/i)
  .transform((value) => value.toLowerCase())

/** Administrator roles by the names of the Entra portal; their template ids are the same in every tenant. */
export const DIRECTORY_ROLES = {
  'Global Administrator': '62e90394-69f5-4237-9190-012177145e10',
  'Privileged Role Administrator': 'e8611ab8-c189-46e8-94e1-60213ab1f814',
  'Cloud Application Administrator': '158c047a-c907-4556-b7ef-446551a6b5f7',
  'Exchange Administrator': '29232cdf-9323-42fd-ade2-1d097af3e4de',
  'User Administrator': 'fe930be7-5e62-47db-91af-98c3a49a38b1',
  'Global Reader': 'f2ef992c-3afb-46b9-b7cf-a126ee74c451',
} as const

/** In the claim `wids` of every member of a tenant, so its presence alone means nothing. */
export const DEFAULT_USER_ROLE = 'b79fbf4d-3ef9-4689-8143-76b194e85509'

export const roleName = z.enum(Object.keys(DIRECTORY_ROLES) as [keyof typeof DIRECTORY_ROLES])
export type RoleName = z.infer<typeof roleName>

export const mailboxState = z.enum(['enabled', 'none', 'on-premises', 'soft-deleted'])
export type MailboxState = z.infer<typeof mailboxState>

const cloudName = z.enum(['global', 'us-government', 'us-dod', 'china'])
export type CloudName = z.infer<typeof cloudName>

export const userSeed = z.strictObject({
  upn: address,
  /** Made from tenant and UPN when left out, so that it is the same after every start. */
  id: guid.optional(),
  displayName: z.string().optional(),
  /** The primary SMTP address. Often the UPN, by no means always. */
  mail: address.nullable().optional(),
  /** Further addresses of the mailbox: Exchange finds it by them, the directory does not. */
  aliases: z.array(address).default([]),
  accountEnabled: z.boolean().default(true),
  roles: z.array(roleName).default([]),
  mailbox: mailboxState.default('enabled'),
  /** A shared mailbox has an account too, which nobody signs in with. */
  purpose: z.enum(['user', 'shared']).default('user'),
  /** Whose default calendars have been shared with this person: they lie in this mailbox among its own. */
  sharedCalendars: z.array(address).default([]),
  timeZone: z.string().default('W. Europe Standard Time'),
})

const roomSeed = z.strictObject({
  email: address,
  displayName: z.string(),
  capacity: z.int().nullable().default(null),
  building: z.string().nullable().default(null),
  floorNumber: z.int().nullable().default(null),
  bookingType: z.enum(['standard', 'reserved', 'unknown']).default('standard'),
})

const roomListSeed = z.strictObject({ email: address, displayName: z.string(), rooms: z.array(address) })

/** An Exchange application access policy: which mailboxes one app may not, or may only, open. */
const mailboxPolicySeed = z.strictObject({
  clientId: guid,
  kind: z.enum(['deny', 'allow-only']).default('deny'),
  mailboxes: z.array(address),
})

/**
 * RBAC for Applications: Exchange gives one app one permission for these mailboxes. It adds to what Entra granted, shows in
 * no token, and no access policy narrows it.
 */
const roleAssignmentSeed = z.strictObject({
  clientId: guid,
  role: z.enum(['Application Calendars.Read', 'Application Calendars.ReadWrite']),
  mailboxes: z.array(address),
})

const tenantSeed = z.strictObject({
  id: guid,
  displayName: z.string(),
  /** Verified domains; the first is the default one. */
  domains: z.array(domain).min(1),
  cloud: cloudName.default('global'),
  /** False: a tenant that has never bought Exchange Online. */
  exchange: z.boolean().default(true),
  /** A Conditional Access policy blocks every app's sign-in. */
  blockedByPolicy: z.boolean().default(false),
  users: z.array(userSeed).default([]),
  /** So many people more, made up: user00001@… */
  mailboxes: z.int().min(0).max(200_000).default(0),
  rooms: z.array(roomSeed).default([]),
  roomLists: z.array(roomListSeed).default([]),
  mailboxPolicies: z.array(mailboxPolicySeed).default([]),
  roleAssignments: z.array(roleAssignmentSeed).default([]),
})

export const registrationSeed = z.strictObject({
  clientId: guid,
  displayName: z.string(),
  /** It exists in this cloud and in no other. */
  cloud: cloudName.default('global'),
  /** `organizations`: multi-tenant. A tenant id: that tenant only. */
  audience: z.union([z.literal('organizations'), guid]).default('organizations'),
  secrets: z.array(z.strictObject({ value: z.string().min(1), expiresAt: z.iso.datetime().optional() })).default([]),
  /** PEM, the public half only. */
  certificates: z.array(z.string().startsWith('-----BEGIN CERTIFICATE-----')).default([]),
  /** Issuers whose tokens the app may show in place of a credential; `publicKey` (PEM) signs them. */
  federatedCredentials: z
    .array(
      z.strictObject({
        issuer: z.url(),
        subject: z.string(),
        audience: z.string().default('api://AzureADTokenExchange'),
        publicKey: z.string().startsWith('-----BEGIN PUBLIC KEY-----'),
      }),
    )
    .default([]),
  /** Exact, or `loopback`: any port and path of 127.0.0.1, localhost and [::1]. */
  redirectUris: z.array(z.union([z.literal('loopback'), z.url()])).default(['loopback']),
  /** Application permissions of Microsoft Graph that an administrator is asked to grant. */
  permissions: z
    .array(z.string())
    .default(['Calendars.ReadWrite', 'User.Read.All', 'Place.Read.All', 'Organization.Read.All']),
  publicClient: z.boolean().default(false),
  /** The optional claim `wids` in id_tokens: off in a new registration. */
  widsInIdToken: z.boolean().default(false),
  /** Tenants where an administrator has consented already. */
  consentedIn: z.array(guid).default([]),
})

export const microsoftSeed = z.strictObject({
  tenants: z.array(tenantSeed).default([]),
  registrations: z.array(registrationSeed).default([]),
  accessTokenSeconds: z.int().positive().default(3599),
  /** How long a new consent takes to arrive, and what a token request gets until then. */
  consentDelay: z
    .strictObject({ ms: z.int().min(0), until: z.enum(['not-installed', 'no-roles']).default('not-installed') })
    .default({ ms: 0, until: 'not-installed' }),
})

export type MicrosoftSeed = z.infer<typeof microsoftSeed>
export type MicrosoftSeedInput = z.input<typeof microsoftSeed>
export type TenantSeed = z.infer<typeof tenantSeed>
export type RegistrationSeed = z.infer<typeof registrationSeed>
export type RoleAssignmentSeed = z.infer<typeof roleAssignmentSeed>
export type UserSeed = z.infer<typeof userSeed>
export type RoomSeed = z.infer<typeof roomSeed>
