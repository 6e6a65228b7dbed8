import { type DelegatedScope, permissionsOf } from './delegated-scopes.js'
import {
  missingScopes,
  openedBesides,
  SOCRATE_USES,
  userScopesFor,
  userScopesForPermissions,
  WORK_API_USES,
  wordsForUserScope,
} from './user-scopes.js'

const AUTH = 'https://www.googleapis.com/auth/'

describe('scopes that a person is asked for', () => {
  it('are those of the guide for Gmail, Google Calendar and Google Drive', () => {
    expect(userScopesFor('google', [WORK_API_USES.gmail.media.email])).toEqual(['https://mail.google.com/'])
    expect(userScopesFor('google', [WORK_API_USES.google_calendar.media.calendar])).toEqual([`${AUTH}calendar`])
    expect(userScopesFor('google', [WORK_API_USES.google_drive.media.files])).toEqual([`${AUTH}drive`])
  })

  it('name each provider scope once, however many uses need it', () => {
    expect(userScopesFor('microsoft', ['mail', 'mailToSend', 'calendars'])).toEqual([
      'Mail.ReadWrite',
      'Mail.Send',
      'Calendars.ReadWrite',
    ])
  })

  it('hold nothing for an address, which every sign-in says', () => {
    expect(userScopesFor('google', [SOCRATE_USES.USER_INFO_EMAIL])).toEqual([])
  })

  it('are the weakest that a delegated scope needs, and at Microsoft a person’s own', () => {
    const permissions = permissionsOf(['free_busy'])
    expect(userScopesForPermissions('microsoft', permissions)).toEqual(['Calendars.ReadBasic'])
    expect(userScopesForPermissions('google', permissions)).toEqual([
      `${AUTH}calendar.calendarlist.readonly`,
      `${AUTH}calendar.freebusy`,
    ])
  })

  it('all have words for the person', () => {
    const uses = ['calendars', 'contacts', 'files', 'mail', 'mailToRead', 'mailToSend'] as const
    const permissions = permissionsOf(['read_write', 'free_busy'])
    for (const provider of ['google', 'microsoft'] as const)
      for (const scope of [...userScopesFor(provider, uses), ...userScopesForPermissions(provider, permissions)])
        expect(wordsForUserScope(scope)).not.toBe(scope)
    expect(wordsForUserScope('Calendars.ReadBasic')).not.toBe('Calendars.ReadBasic')
  })
})

describe('what a token for delegated scopes opens besides', () => {
  it.each<[DelegatedScope, 'google' | 'microsoft', string]>([
    ['read_only', 'google', ''],
    ['free_busy', 'google', ''],
    ['read_write', 'google', ''],
    ['create_calendar', 'google', ''],
    ['write_only', 'google', 'read_events'],
    ['free_busy_write', 'google', 'read_events'],
    ['create_event', 'google', 'read_events change_participation_status delete_event'],
    ['read_only', 'microsoft', ''],
    ['free_busy', 'microsoft', ''],
    ['read_write', 'microsoft', ''],
    ['list_calendars', 'microsoft', 'read_free_busy'],
    ['write_only', 'microsoft', 'read_free_busy read_events create_calendar'],
  ])('for %s at %s: “%s”', (scope, provider, besides) => {
    expect(openedBesides(provider, permissionsOf([scope])).join(' ')).toBe(besides)
  })
})

describe('what a person has left out', () => {
  it.each<['google' | 'microsoft', string, string, boolean]>([
    ['google', `${AUTH}calendar`, `${AUTH}calendar`, false],
    ['google', `${AUTH}calendar.events`, `${AUTH}calendar`, false],
    ['google', `${AUTH}calendar`, `${AUTH}calendar.events`, true],
    ['google', `${AUTH}gmail.readonly`, 'https://mail.google.com/', false],
    ['google', `${AUTH}gmail.readonly`, `${AUTH}gmail.send`, true],
    ['google', `${AUTH}drive`, `${AUTH}drive.readonly`, true],
    ['microsoft', 'Calendars.Read', 'Calendars.ReadWrite', false],
    ['microsoft', 'Calendars.ReadBasic', 'Calendars.Read', false],
    ['microsoft', 'Calendars.ReadWrite', 'Calendars.Read', true],
    ['microsoft', 'Calendars.Read', 'Calendars.Read.Shared', false],
    ['microsoft', 'Calendars.Read.Shared', 'Calendars.Read', true],
    ['microsoft', 'Mail.Send', 'Mail.ReadWrite', true],
    ['microsoft', 'Mail.Read', 'Contacts.ReadWrite', true],
  ])('at %s, %s after %s is missing: %p', (provider, asked, granted, missing) => {
    expect(missingScopes(provider, [asked], [granted])).toEqual(missing ? [asked] : [])
  })
})
