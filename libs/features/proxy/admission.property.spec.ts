import fc from 'fast-check'
import { permissionsOf } from '#domain/providers/delegated-scopes.js'
import { ApiError } from '#platform/errors/api-error.js'
import type { AdmittedCall } from './admit-call.js'
import { admitGoogleCall } from './google-calls.js'
import { admitMicrosoftCall } from './microsoft-calls.js'
import { cutTarget, type RequestTarget } from './request-target.js'

const ALL = permissionsOf(['read_write'])
const ID = '11111111-aaaa-4bbb-8ccc-000000000001'
const OTHER_ID = '11111111-aaaa-4bbb-8ccc-000000000002'
const ROOM = 'c_1888abc@resource.calendar.google.com'
const ITEM = 'AAMkAGI2TG93AAAAAAAA_-='

/** Everything that paths around the fence are made of, next to everything that paths inside it are made of. */
const words = fc.constantFrom(
  ...['', '.', '..', '%2e%2e', '%252e%252e', '%2F', '%5C', '\\', '//', ';x=y', '%00', '#', '@', "('x')", '$batch', ':'],
  ...[
    'calendar',
    'v3',
    'v1.0',
    'beta',
    'users',
    'me',
    'calendars',
    'calendarList',
    'events',
    'instances',
    'colors',
    'accept',
    'cancel',
  ],
  ...['calendarView', 'primary', 'anna@acme.test', 'ANNA%40acme.test', 'bela@acme.test', 'abc12', ROOM, ITEM],
  encodeURIComponent(ITEM),
  ...[ID, ID.toUpperCase(), OTHER_ID, 'https://graph.microsoft.com'],
)
const nearlyRight = fc.constantFrom(
  'calendar/v3/calendars/primary/events',
  'calendar/v3/calendars/anna@acme.test/events/abc12',
  `calendar/v3/calendars/${ROOM}/events`,
  'calendar/v3/users/me/calendarList',
  'v1.0/me/events',
  `v1.0/users/${ID}/calendars/${ITEM}/events`,
  `v1.0/users/${ID}/calendars/${encodeURIComponent(ITEM)}/events`,
  'v1.0/users/anna@acme.test/calendarView',
  `v1.0/me/events/${ITEM}/decline`,
)
const damaged = fc
  .tuple(nearlyRight, fc.nat({ max: 8 }), fc.nat({ max: 2 }), fc.array(words, { maxLength: 2 }))
  .map(([path, at, remove, insert]) =>
    path
      .split('/')
      .toSpliced(at, remove, ...insert)
      .join('/'),
  )
const pairs = fc.tuple(
  fc.constantFrom('q', 'timeMin', 'calendarId', 'key', '$top', '%24skip', '$filter', '$expand', '$select', 'alt', '&'),
  fc.oneof(words, fc.constantFrom('1', 'json', 'a%26$expand=b', "x eq 'y'"), fc.string()),
)
const queries = fc.array(pairs, { maxLength: 3 }).map((all) => all.map((pair) => pair.join('=')).join('&'))
const targets = fc
  .tuple(
    fc.oneof(
      nearlyRight,
      damaged,
      fc.array(words, { maxLength: 8 }).map((all) => all.join('/')),
      fc.string(),
    ),
    fc.oneof(
      fc.constant(''),
      queries.map((query) => `?${query}`),
    ),
  )
  .map(([path, query]) => `/v1/proxy/x/${path}${query}`)

const methods = fc.constantFrom('GET', 'GET', 'POST', 'PUT', 'PATCH', 'DELETE')

interface Out {
  path: string[]
  names: string[]
  calendarId: string | undefined
}

/** What a server would make of an admitted target, in the most accommodating reading of it; null where it was refused. */
type Admit = (method: string, target: RequestTarget) => AdmittedCall

function reading(admit: Admit, method: string, target: string): Out | null {
  let call: AdmittedCall
  try {
    call = admit(method, cutTarget(target, '/v1/proxy/x/'))
  } catch (error) {
    if (error instanceof ApiError && error.status === 403) return null
    throw error
  }
  const { pathAndQuery: admitted, calendarId } = call
  expect(call.method).toBe(method)
  const url = new URL(admitted, 'https://api.test')
  expect(url.host).toBe('api.test')
  expect(url.pathname).toBe(admitted.split('?')[0])
  expect(admitted).toMatch(/^[\x21-\x7e]+$/)
  const path = url.pathname.slice(1).split('/').map(decodeURIComponent)
  for (const segment of path) expect(segment).toMatch(/^[\w.@=-]+$/)
  return { path, names: [...url.searchParams.keys()], calendarId }
}

function holds(admit: Admit, isOwn: (out: Out) => boolean) {
  let admitted = 0
  fc.assert(
    fc.property(methods, targets, (method, target) => {
      const out = reading(admit, method, target)
      if (out) admitted += 1
      return !out || isOwn(out)
    }),
    { numRuns: 10_000 },
  )
  // Without this, refusing everything would pass.
  expect(admitted).toBeGreaterThan(50)
}

const ONLY = (names: string[], allowed: string[]) => names.every((name) => allowed.includes(name))

describe('whatever is written in a request line, what is admitted', () => {
  it('names a person’s own calendar at Google', () => {
    holds(
      (method, target) => admitGoogleCall(method, target, { email: 'anna@acme.test', kind: 'person' }, ALL),
      ({ path: [api, version, root, calendar, ...rest], names }) =>
        api === 'calendar' &&
        version === 'v3' &&
        (root === 'calendars'
          ? [undefined, 'primary', 'anna@acme.test'].includes(calendar)
          : root === 'users'
            ? calendar === 'me' &&
              rest[0] === 'calendarList' &&
              [undefined, 'primary', 'anna@acme.test'].includes(rest[1])
            : root === 'colors') &&
        ONLY(names, ['q', 'timeMin', 'alt']),
    )
  })

  it('names exactly the room at Google', () => {
    holds(
      (method, target) => admitGoogleCall(method, target, { email: ROOM, kind: 'room' }, ALL),
      ({ path, names }) =>
        path.slice(0, 4).join(' ') === `calendar v3 calendars ${ROOM}` && ONLY(names, ['q', 'timeMin', 'alt']),
    )
  })

  it('begins with the mailbox’s id at Microsoft', () => {
    holds(
      (method, target) => admitMicrosoftCall(method, target, { email: 'anna@acme.test', providerUserId: ID }, ALL),
      ({ path, names, calendarId }) =>
        path.slice(0, 3).join(' ') === `v1.0 users ${ID}` &&
        // Whose the calendar is that a call goes through, is asked about that calendar.
        calendarId === (path[3] === 'calendars' && path.length > 5 ? path[4] : undefined) &&
        ONLY(names, ['$top', '$skip', '$filter', '$select']),
    )
  })
})
