import {
  DELEGATED_SCOPES,
  type DelegatedPermission,
  googleScopesFor,
  microsoftPermissionFor,
  permissionsOf,
  wordsForProviderScope,
} from './delegated-scopes.js'
import type { ProviderName } from './provider.port.js'

const GOOGLE = 'https://www.googleapis.com/auth/'

/** Whole kinds of data, as people are asked for them; never more than one name for each, and no scope that is not needed. */
const NEEDS = {
  calendars: { google: [`${GOOGLE}calendar`], microsoft: ['Calendars.ReadWrite'] },
  contacts: { google: [`${GOOGLE}contacts`], microsoft: ['Contacts.ReadWrite'] },
  files: { google: [`${GOOGLE}drive`], microsoft: ['Files.ReadWrite'] },
  mail: { google: ['https://mail.google.com/'], microsoft: ['Mail.ReadWrite', 'Mail.Send'] },
  mailToRead: { google: [`${GOOGLE}gmail.readonly`], microsoft: ['Mail.Read'] },
  mailToSend: { google: [`${GOOGLE}gmail.send`], microsoft: ['Mail.Send'] },
  /** Signing in says it anyway: without it nobody knows whose account this is. */
  address: { google: [], microsoft: [] },
} as const satisfies Record<string, Record<ProviderName, readonly string[]>>

/** What an account may be connected for. */
export type AccountUse = keyof typeof NEEDS

/** Work-API: providers by the names of their products, and the media types that each has. */
export const WORK_API_USES = {
  gmail: { provider: 'google', media: { email: 'mail', contacts: 'contacts' } },
  google_calendar: { provider: 'google', media: { calendar: 'calendars' } },
  google_drive: { provider: 'google', media: { files: 'files' } },
  outlook: { provider: 'microsoft', media: { email: 'mail', contacts: 'contacts' } },
  office365_calendar: { provider: 'microsoft', media: { calendar: 'calendars' } },
  onedrive: { provider: 'microsoft', media: { files: 'files' } },
} as const satisfies Record<string, { provider: ProviderName; media: Record<string, AccountUse> }>

/** Socrate: the values of its enum `Scope`. */
export const SOCRATE_USES = {
  EMAIL_SEND: 'mailToSend',
  EMAIL_READ: 'mailToRead',
  USER_INFO_EMAIL: 'address',
} as const satisfies Record<string, AccountUse>

/** Provider scopes for these uses, for `AskedConsent.scopes`. */
export const userScopesFor = (provider: ProviderName, uses: readonly AccountUse[]): string[] => [
  ...new Set(uses.flatMap((use): readonly string[] => NEEDS[use][provider])),
]

/**
 * The same for an individual connect, which asks by delegated scopes. A person's token opens that person's mailbox only, so
 * Microsoft's names go without the `.All` that an application's have.
 */
export const userScopesForPermissions = (
  provider: ProviderName,
  permissions: readonly DelegatedPermission[],
): string[] =>
  provider === 'google' ? googleScopesFor(permissions) : [microsoftPermissionFor(permissions).replace(/\.All$/, '')]

/**
 * Which of the scopes that were asked for the person has left out. A wider scope counts for a narrower one, also where it
 * was granted on another occasion.
 */
export const missingScopes = (provider: ProviderName, asked: readonly string[], granted: readonly string[]): string[] =>
  asked.filter((scope) => !granted.some((held) => COVERS[provider](held, scope)))

/**
 * What a token with the provider's scopes for these permissions opens besides. Neither provider has a scope to write and not
 * to read, nor one to create and not to delete.
 */
export function openedBesides(
  provider: ProviderName,
  permissions: readonly DelegatedPermission[],
): DelegatedPermission[] {
  const held = userScopesForPermissions(provider, permissions)
  const opens = (permission: DelegatedPermission) =>
    missingScopes(provider, userScopesForPermissions(provider, [permission]), held).length === 0
  return permissionsOf(DELEGATED_SCOPES).filter((each) => !permissions.includes(each) && opens(each))
}

const COVERS: Record<ProviderName, (held: string, scope: string) => boolean> = {
  google: (held, scope) => held === scope || scope.startsWith(`${WIDEST_AT_GOOGLE[held] ?? held}.`),
  microsoft: (held, scope) => {
    const [has, wants] = [partsOf(held), partsOf(scope)]
    return has.data === wants.data && has.rank >= wants.rank && (has.reach === wants.reach || wants.reach === '')
  },
}

/** Google's names grow narrower with each part: `calendar` holds `calendar.events`, which holds `calendar.events.readonly`. */
const WIDEST_AT_GOOGLE: Record<string, string> = { 'https://mail.google.com/': `${GOOGLE}gmail` }

/** `Calendars.ReadWrite.Shared`: data, what may be done with it, and how far beyond the person's own it reaches. */
function partsOf(scope: string): { data: string; rank: number; reach: string } {
  const [data = '', verb = '', reach = ''] = scope.split('.')
  const rank = ['ReadBasic', 'Read', 'ReadWrite'].indexOf(verb)
  return rank < 0 ? { data: scope, rank, reach: '' } : { data, rank, reach }
}

const WORDS: Record<string, string> = {
  [`${GOOGLE}calendar`]: 'Read, create, change and delete events and calendars',
  [`${GOOGLE}calendar.calendarlist.readonly`]: 'See which calendars you have',
  [`${GOOGLE}calendar.freebusy`]: 'See when you are free or busy',
  [`${GOOGLE}contacts`]: 'Read and change contacts',
  [`${GOOGLE}drive`]: 'Read and change files',
  'https://mail.google.com/': 'Read, send and delete mail',
  [`${GOOGLE}gmail.readonly`]: 'Read mail',
  [`${GOOGLE}gmail.send`]: 'Send mail',
  'Calendars.ReadBasic': 'See calendars and when you are free or busy',
  'Contacts.ReadWrite': 'Read and change contacts',
  'Files.ReadWrite': 'Read and change files',
  'Mail.Read': 'Read mail',
  'Mail.ReadWrite': 'Read, change and delete mail',
  'Mail.Send': 'Send mail',
}

/** What a provider scope lets us do, for a person who has never seen its name. */
export const wordsForUserScope = (scope: string): string => WORDS[scope] ?? wordsForProviderScope(scope)
