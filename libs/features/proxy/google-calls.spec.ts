import { type DelegatedPermission, permissionsOf } from '#domain/providers/delegated-scopes.js'
import { ApiError } from '#platform/errors/api-error.js'
import { admitGoogleCall } from './google-calls.js'
import { cutTarget } from './request-target.js'

const MOUNT = '/v1/proxy/google/'
const PERSON = { email: 'anna@acme.test', kind: 'person' as const }
const ROOM = { email: 'c_1888abc@resource.calendar.google.com', kind: 'room' as const }
const ROOM_PATH = 'calendars/c_1888abc%40resource.calendar.google.com'
const READ: DelegatedPermission[] = ['list_calendars', 'read_free_busy', 'read_events']

const admit = (mailbox: typeof PERSON | typeof ROOM, target: string, permissions = READ, method = 'GET') =>
  admitGoogleCall(method, cutTarget(target, MOUNT), mailbox, permissions)

function refusal(mailbox: typeof PERSON | typeof ROOM, target: string, permissions = READ, method = 'GET'): string {
  try {
    return `admitted ${admit(mailbox, target, permissions, method).pathAndQuery}`
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return error.code
  }
}

describe('a read at Google for a person', () => {
  it.each([
    ['calendarList.list', 'users/me/calendarList', '/calendar/v3/users/me/calendarList'],
    ['calendarList.get', 'users/me/calendarList/primary', '/calendar/v3/users/me/calendarList/primary'],
    ['colors.get', 'colors', '/calendar/v3/colors'],
    ['events.list', 'calendars/primary/events', '/calendar/v3/calendars/primary/events'],
    ['events.get', 'calendars/primary/events/abc12_20260101T100000Z', undefined],
    ['events.instances', 'calendars/primary/events/abc12/instances', undefined],
    ['events.list', 'calendars/anna@acme.test/events', '/calendar/v3/calendars/primary/events'],
    ['events.list', 'calendars/anna%40acme.test/events', '/calendar/v3/calendars/primary/events'],
    ['events.list', 'calendars/ANNA%40Acme.Test/events', '/calendar/v3/calendars/primary/events'],
    ['events.list', 'calendars/%61nna%40acme%2Etest/events', '/calendar/v3/calendars/primary/events'],
  ])('is admitted as %s: %s', (shape, path, out = `/calendar/v3/${path}`) => {
    expect(admit(PERSON, `${MOUNT}calendar/v3/${path}`)).toEqual({
      ...{ shape: `google.${shape}`, method: 'GET', pathAndQuery: out },
    })
  })

  it('carries known options, written anew', () => {
    const query =
      'timeMin=2026-01-01T00:00:00%2B02:00&q=a+b%26c&singleEvents=true&eventTypes=default&eventTypes=focusTime&alt=json&TIMEMAX=x'
    expect(admit(PERSON, `${MOUNT}calendar/v3/calendars/primary/events?${query}&`).pathAndQuery).toBe(
      '/calendar/v3/calendars/primary/events?timeMin=2026-01-01T00%3A00%3A00%2B02%3A00&q=a%20b%26c&singleEvents=true&eventTypes=default&eventTypes=focusTime&alt=json&timeMax=x',
    )
  })

  it.each([
    ['another person', 'calendar/v3/calendars/bela@acme.test/events'],
    ['a calendar that was shared with the person', 'calendar/v3/calendars/c_team@group.calendar.google.com/events'],
    ['a room that the person may see', `calendar/v3/${ROOM_PATH}/events`],
    ['an address that only looks the same', 'calendar/v3/calendars/%D0%B0nna@acme.test/events'],
    ['an address that begins the same', 'calendar/v3/calendars/anna@acme.test.evil.test/events'],
    ['an address with a NUL', 'calendar/v3/calendars/anna@acme.test%00/events'],
    ['primary in capitals', 'calendar/v3/calendars/PRIMARY/events'],
    ['another entry of the list', 'calendar/v3/users/me/calendarList/bela@acme.test'],
    ['another user of the list', 'calendar/v3/users/bela@acme.test/calendarList'],
    ['dot segments', 'calendar/v3/calendars/primary/../bela@acme.test/events'],
    ['one dot', 'calendar/v3/calendars/./primary/events'],
    ['encoded dot segments', 'calendar/v3/calendars/%2e%2e/events'],
    ['encoded dot segments in front', 'calendar/v3/calendars/bela@acme.test/%2e%2e/primary/events'],
    ['dots encoded twice', 'calendar/v3/calendars/%252e%252e/events'],
    ['dots for an event', 'calendar/v3/calendars/primary/events/..'],
    ['encoded dots for an event', 'calendar/v3/calendars/primary/events/%2e%2e'],
    ['an encoded slash', 'calendar/v3/calendars/primary%2F..%2Fbela@acme.test/events'],
    ['a slash encoded twice', 'calendar/v3/calendars/primary%252F..%252Fbela@acme.test/events'],
    ['an encoded slash in an event', 'calendar/v3/calendars/primary/events/x%2F..%2F..%2Fbela@acme.test'],
    ['a backslash', 'calendar/v3/calendars/primary\\..\\bela@acme.test/events'],
    ['an encoded backslash', 'calendar/v3/calendars/primary%5C..%5Cbela@acme.test/events'],
    ['a doubled slash', 'calendar/v3//calendars/primary/events'],
    ['a doubled slash in front', '/calendar/v3/calendars/primary/events'],
    ['a slash at the end', 'calendar/v3/calendars/primary/events/'],
    ['an empty calendar', 'calendar/v3/calendars//events'],
    ['a path parameter', 'calendar/v3/calendars/primary;id=bela@acme.test/events'],
    ['a path parameter on a literal', 'calendar/v3/calendars/primary/events;x'],
    ['a fragment', 'calendar/v3/calendars/primary/events#/../x'],
    ['an encoded question mark', 'calendar/v3/calendars/primary/events%3Fx=1'],
    ['a literal with encoded letters', 'calendar/v3/%63alendars/primary/events'],
    ['a literal in capitals', 'calendar/v3/Calendars/primary/events'],
    ['broken encoding', 'calendar/v3/calendars/%zz/events'],
    ['overlong UTF-8', 'calendar/v3/calendars/%c0%ae%c0%ae/events'],
    ['raw bytes beyond ASCII', 'calendar/v3/calendars/prim\u00e4ry/events'],
    ['a line break', 'calendar/v3/calendars/primary/events\r\nX: y'],
    ['a batch', 'batch/calendar/v3'],
    ['another API', 'gmail/v1/users/me/messages'],
    ['another version', 'calendar/v4/calendars/primary/events'],
    ['an absolute URL as the path', 'https://www.googleapis.com/calendar/v3/calendars/primary/events'],
    ['another host', '@evil.test/calendar/v3/calendars/primary/events'],
    ['the access rules', 'calendar/v3/calendars/primary/acl'],
    ['settings', 'calendar/v3/users/me/settings'],
    ['nothing', ''],
  ])('is refused for %s', (_, path) => {
    expect(refusal(PERSON, MOUNT + path)).toBe('not_admitted')
  })

  it.each([
    'calendarId=bela@acme.test',
    'key=AIza',
    'access_token=x',
    'oauth_token=x',
    'quotaUser=x',
    'userIp=1.2.3.4',
    'callback=x',
    'alt=media',
    'alt=json&alt=media',
    'al%74=media',
    'uploadType=media',
    '$.xgafv=1',
    'q=a&q=b',
    'Q=a&q=b',
    'timeMin%00=x',
    'q=%00',
    'q=%0d%0aX-Y:z',
    'q=%ff',
    'q=prim\u00e4ry',
    'q=\ud800',
    '$batch',
    '__proto__=x',
    'toString=x',
  ])('is refused with the query %s', (query) => {
    expect(refusal(PERSON, `${MOUNT}calendar/v3/calendars/primary/events?${query}`)).toBe('not_admitted')
  })

  it.each([
    ['the absolute form of a request line', 'http://127.0.0.1/v1/proxy/google/calendar/v3/colors'],
    ['the absolute form with another host', 'https://WWW.GoogleAPIs.com/calendar/v3/colors'],
    ['a mount with encoded letters', '/v1/%70roxy/google/calendar/v3/colors'],
    ['a mount in capitals', '/V1/PROXY/GOOGLE/calendar/v3/colors'],
    ['a mount with dots', '/v1/proxy/microsoft/../google/calendar/v3/colors'],
    ['no slash after the mount', '/v1/proxy/google'],
  ])('is refused for %s', (_, target) => {
    expect(refusal(PERSON, target)).toBe('not_admitted')
  })
})

describe('a read at Google for a room', () => {
  it('is admitted for the events of exactly that room', () => {
    const path = `calendar/v3/${ROOM_PATH}/events`
    expect(admit(ROOM, MOUNT + path)).toEqual({ shape: 'google.events.list', method: 'GET', pathAndQuery: `/${path}` })
  })

  it.each([
    ["the administrator's calendar", 'calendars/primary/events'],
    ["the administrator's calendar by address", 'calendars/admin@acme.test/events'],
    ["the administrator's list", 'users/me/calendarList'],
    ["the room in the administrator's list", 'users/me/calendarList/c_1888abc@resource.calendar.google.com'],
    ['another room', 'calendars/c_1888abd@resource.calendar.google.com/events'],
    ['colours', 'colors'],
  ])('is refused for %s', (_, path) => {
    expect(refusal(ROOM, `${MOUNT}calendar/v3/${path}`)).toBe('not_admitted')
  })
})

describe('the scope of a grant at Google', () => {
  it.each<[path: string, missing: DelegatedPermission, held: DelegatedPermission[]]>([
    ['calendars/primary/events', 'read_events', ['list_calendars', 'read_free_busy', 'create_event']],
    ['calendars/primary/events/abc12', 'read_events', ['list_calendars', 'read_free_busy']],
    ['calendars/primary/events/abc12/instances', 'read_events', ['list_calendars', 'read_free_busy']],
    ['calendars/primary', 'create_calendar', READ],
    ['users/me/calendarList', 'list_calendars', []],
  ])('is asked for %s: %s', (path, missing, held) => {
    expect(() => admit(PERSON, `${MOUNT}calendar/v3/${path}`, held)).toThrow(
      expect.objectContaining({ code: 'insufficient_scope', publicText: expect.stringContaining(missing) }),
    )
    expect(refusal(PERSON, `${MOUNT}calendar/v3/${path}`, [...held, missing])).toBe(`admitted /calendar/v3/${path}`)
  })
})

describe('a change at Google', () => {
  const WRITE = permissionsOf(['read_write'])
  const EVENT = 'calendars/primary/events/abc12'

  it.each([
    ['events.insert', 'POST', 'calendars/anna@acme.test/events', '/calendar/v3/calendars/primary/events'],
    ['events.update', 'PUT', EVENT, undefined],
    ['events.patch', 'PATCH', EVENT, undefined],
    ['events.delete', 'DELETE', EVENT, undefined],
    ['calendars.insert', 'POST', 'calendars', undefined],
  ])('is admitted as %s: %s %s', (shape, method, path, out = `/calendar/v3/${path}`) => {
    const admitted = admit(PERSON, `${MOUNT}calendar/v3/${path}`, WRITE, method)
    expect(admitted).toEqual({ shape: `google.${shape}`, method, pathAndQuery: out })
  })

  it.each([
    ['an event of a colleague', 'DELETE', 'calendars/bela@acme.test/events/abc12'],
    ['a calendar that was shared', 'POST', 'calendars/c_team@group.calendar.google.com/events'],
    ['an event by dot segments', 'PATCH', 'calendars/primary/events/../../bela@acme.test/events/abc12'],
    ['an event by an encoded slash', 'DELETE', 'calendars/primary/events/x%2F..%2F..%2F..%2Fbela@acme.test'],
    ['a move to another calendar', 'POST', `${EVENT}/move?destination=bela@acme.test`],
    ['what somebody else has organised, taken in', 'POST', 'calendars/primary/events/import'],
    ['a channel that tells others', 'POST', 'calendars/primary/events/watch'],
    ['quick add', 'POST', 'calendars/primary/events/quickAdd?text=x'],
    ['the access rules', 'POST', 'calendars/primary/acl'],
    ['all of a calendar', 'POST', 'calendars/primary/clear'],
    ['an entry of the list', 'POST', 'users/me/calendarList/primary'],
    ['free/busy of anybody', 'POST', 'freeBusy'],
    ['files', 'POST', 'calendars/primary/events?supportsAttachments=true'],
    ['an upload', 'POST', 'calendars/primary/events?uploadType=multipart'],
    ['another method in the query', 'POST', 'calendars/primary/events?$httpMethod=DELETE'],
  ])('is refused for %s', (_, method, path) => {
    // Where the last part could be an id, it is the method that does not pass.
    expect(refusal(PERSON, `${MOUNT}calendar/v3/${path}`, WRITE, method)).toMatch(
      /^(?:not_admitted|method_not_allowed)$/,
    )
  })

  it.each([
    ['DELETE', 'calendars/primary'],
    ['PUT', 'calendars/primary'],
    ['DELETE', 'users/me/calendarList/primary'],
    ['PUT', 'calendars/primary/events'],
    ['POST', EVENT],
    ['OPTIONS', EVENT],
    ['TRACE', EVENT],
    ['patch', EVENT],
    ['POST', 'colors'],
  ])('is refused by a method that nobody has thought of: %s %s', (method, path) => {
    expect(refusal(PERSON, `${MOUNT}calendar/v3/${path}`, WRITE, method)).toBe('method_not_allowed')
  })

  it.each<[method: string, path: string, missing: DelegatedPermission]>([
    ['POST', 'calendars/primary/events', 'create_event'],
    ['PUT', EVENT, 'create_event'],
    ['PATCH', EVENT, 'create_event'],
    ['DELETE', EVENT, 'delete_event'],
    ['POST', 'calendars', 'create_calendar'],
  ])('needs its scope, which the refusal names: %s %s', (method, path, missing) => {
    const others = WRITE.filter((permission) => permission !== missing)
    expect(() => admit(PERSON, `${MOUNT}calendar/v3/${path}`, others, method)).toThrow(
      expect.objectContaining({
        code: 'insufficient_scope',
        challenge: `Bearer error="insufficient_scope", scope="${missing}"`,
      }),
    )
    expect(admit(PERSON, `${MOUNT}calendar/v3/${path}`, [missing], method).method).toBe(method)
  })

  it('shows what stood there before only to who may read it', () => {
    const answer = (method: string, path: string, permissions = permissionsOf(['write_only'])) =>
      admit(PERSON, `${MOUNT}calendar/v3/${path}`, permissions, method).answerKeptBack
    expect([answer('PATCH', EVENT), answer('PUT', EVENT)]).toEqual([true, true])
    expect(answer('PATCH', EVENT, WRITE)).toBeUndefined()
    expect(answer('POST', 'calendars/primary/events')).toBeUndefined()
  })

  it('of a room is one of its own events, and never a calendar of the administrator', () => {
    const path = `calendar/v3/${ROOM_PATH}/events`
    expect(admit(ROOM, MOUNT + path, WRITE, 'POST').pathAndQuery).toBe(`/${path}`)
    expect(refusal(ROOM, `${MOUNT}calendar/v3/calendars/primary/events`, WRITE, 'POST')).toBe('not_admitted')
    expect(refusal(ROOM, `${MOUNT}calendar/v3/calendars`, WRITE, 'POST')).toBe('not_admitted')
  })
})
