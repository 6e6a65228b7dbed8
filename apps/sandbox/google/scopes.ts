const AUTH = 'https://www.googleapis.com/auth/'

/** Short names and the names that tokens carry. Google expands `email` and `profile`, and leaves `openid`. */
const SIGN_IN: Readonly<Record<string, string>> = {
  openid: 'openid',
  email: `${AUTH}userinfo.email`,
  profile: `${AUTH}userinfo.profile`,
}

/** Scopes that exist here, and the words of the consent page. */
const DESCRIBED: Readonly<Record<string, string>> = {
  openid: 'Associate you with your personal info on Google',
  'userinfo.email': 'See your primary Google Account email address',
  'userinfo.profile': "See your personal info, including any personal info you've made publicly available",
  calendar: 'See, edit, share and permanently delete all the calendars that you can access using Google Calendar',
  'calendar.readonly': 'See and download any calendar that you can access using your Google Calendar',
  'calendar.acls': 'See and change the sharing permissions of Google calendars that you own',
  'calendar.acls.readonly': 'See the sharing permissions of Google calendars that you own',
  'calendar.app.created': 'Make secondary Google calendars, and see, create, change and delete events on them',
  'calendar.calendarlist': 'See, add and remove Google calendars that you’re subscribed to',
  'calendar.calendarlist.readonly': 'See the list of Google calendars that you’re subscribed to',
  'calendar.calendars':
    'See and change the properties of Google calendars that you have access to, and create secondary calendars',
  'calendar.calendars.readonly':
    'See the title, description, default time zone and other properties of Google calendars',
  'calendar.events': 'View and edit events on all your calendars',
  'calendar.events.readonly': 'View events on all your calendars',
  'calendar.events.freebusy': 'See the availability on Google calendars that you have access to',
  'calendar.events.owned': 'See, create, change and delete events on Google calendars that you own',
  'calendar.events.owned.readonly': 'See the events on Google calendars that you own',
  'calendar.events.public.readonly': 'See the events on public calendars',
  'calendar.freebusy': 'View your availability in your calendars',
  'calendar.settings.readonly': 'View your Calendar settings',
  'admin.directory.user': 'View and manage the provisioning of users on your domain',
  'admin.directory.user.readonly': 'See info about users on your domain',
  'admin.directory.user.alias.readonly': 'View user aliases on your domain',
  'admin.directory.group.readonly': 'View groups on your domain',
  'admin.directory.domain': 'View and manage the provisioning of domains for your customers',
  'admin.directory.domain.readonly': 'View domains related to your customers',
  'admin.directory.customer': 'View and manage customer related information',
  'admin.directory.customer.readonly': 'View customer related information',
  'admin.directory.orgunit.readonly': 'View organisation units on your domain',
  'admin.directory.resource.calendar': 'View and manage the provisioning of calendar resources on your domain',
  'admin.directory.resource.calendar.readonly': 'View calendar resources on your domain',
  'cloud-platform': 'See, edit, configure and delete your Google Cloud data',
  iam: 'Manage identity and access in Google Cloud',
  contacts: 'See, edit, download and permanently delete your contacts',
  'contacts.readonly': 'See and download your contacts',
  'gmail.readonly': 'View your email messages and settings',
  'gmail.send': 'Send email on your behalf',
  drive: 'See, edit, create and delete all of your Google Drive files',
  'drive.readonly': 'See and download all your Google Drive files',
  'https://mail.google.com/': 'Read, compose, send and permanently delete all your email from Gmail',
}

const shortName = (scope: string) => (scope.startsWith(AUTH) ? scope.slice(AUTH.length) : scope)

export const apiScopes = (...names: string[]) => names.map((name) => `${AUTH}${name}`)

export const isKnownScope = (scope: string) =>
  Object.hasOwn(SIGN_IN, scope) || (scope.startsWith('https://') && Object.hasOwn(DESCRIBED, shortName(scope)))

export const isSignInScope = (scope: string) => Object.values(SIGN_IN).includes(expanded(scope))

export const describeScope = (scope: string) => DESCRIBED[shortName(scope)] ?? scope

/** `email` becomes `https://www.googleapis.com/auth/userinfo.email`. */
export const expanded = (scope: string) => SIGN_IN[scope] ?? scope

export const OPENID = 'openid'
export const EMAIL = `${AUTH}userinfo.email`
export const PROFILE = `${AUTH}userinfo.profile`

/** A scope list as it came over the wire. Sets are shared between equal lists: a benchmark asks for the same one all day. */
export function parseScopes(list: string): ReadonlySet<string> {
  const known = parsed.get(list)
  if (known) return known
  const scopes = new Set(list.split(' ').filter(Boolean).map(expanded))
  if (parsed.size < 1_000) parsed.set(list, scopes)
  return scopes
}

const parsed = new Map<string, ReadonlySet<string>>()
