import { type DelegatedPermission, permissionsOf } from '#domain/providers/delegated-scopes.js'
import { ApiError } from '#platform/errors/api-error.js'
import { admitMicrosoftCall } from './microsoft-calls.js'
import { cutTarget } from './request-target.js'

const MOUNT = '/v1/proxy/microsoft/'
const ID = '11111111-aaaa-4bbb-8ccc-000000000001'
const OTHER_ID = '11111111-aaaa-4bbb-8ccc-000000000002'
const ANNA = { email: 'anna@contoso.test', providerUserId: ID }
const OWN = `/v1.0/users/${ID}`
const ITEM = 'AAMkAGI2TG93AAA_-='
const LONG_ID = `${ITEM}${ITEM}`
const READ: DelegatedPermission[] = ['list_calendars', 'read_free_busy', 'read_events']

const admit = (target: string, permissions = READ, method = 'GET') =>
  admitMicrosoftCall(method, cutTarget(target, MOUNT), ANNA, permissions)

function refusal(target: string, permissions = READ, method = 'GET'): string {
  try {
    return `admitted ${admit(target, permissions, method).pathAndQuery}`
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return error.code
  }
}

describe('a read at Microsoft', () => {
  it.each([
    ['calendar.get', 'calendar'],
    ['calendars.list', 'calendars'],
    ['calendars.get', `calendars/${LONG_ID}`],
    ['events.list', 'events'],
    ['events.get', `events/${LONG_ID}`],
    ['events.instances', `events/${LONG_ID}/instances`],
    ['calendarView.list', 'calendarView'],
    ['calendar.events.list', 'calendar/events'],
    ['calendar.calendarView.list', 'calendar/calendarView'],
    ['calendars.events.list', `calendars/${LONG_ID}/events`],
    ['calendars.events.get', `calendars/${LONG_ID}/events/${LONG_ID}`],
    ['calendars.calendarView.list', `calendars/${LONG_ID}/calendarView`],
  ])('is admitted as %s and goes to the mailbox itself', (shape, path) => {
    const out = {
      shape: `microsoft.${shape}`,
      method: 'GET',
      pathAndQuery: `${OWN}/${path.replaceAll('=', '%3D')}`,
      // Whose it is has to be asked before anything in it is read.
      ...(/^calendars\/.+\//.test(path) && { calendarId: LONG_ID }),
    }
    expect(admit(`${MOUNT}v1.0/me/${path}`)).toEqual(out)
    expect(admit(`${MOUNT}v1.0/me/${path.replaceAll('=', '%3D').replaceAll('AAMk', '%41AMk')}`)).toEqual(out)
    expect(admit(`${MOUNT}v1.0/users/${ID}/${path}`)).toEqual(out)
    expect(admit(`${MOUNT}v1.0/users/${ID.toUpperCase()}/${path}`)).toEqual(out)
    expect(admit(`${MOUNT}v1.0/users/Anna%40Contoso.Test/${path}`)).toEqual(out)
  })

  it('carries known options, in Graph’s own spelling', () => {
    const query =
      'startdatetime=2026-01-01T00:00:00Z&EndDateTime=2026-02-01&%24top=5&$skip=5&$select=id,subject&$orderby=start/dateTime+desc' +
      "&$filter=contains(subject,'$root%20@me%20O''Neil')+and+isAllDay+eq+false&$skiptoken=R%2BzMA=="
    expect(admit(`${MOUNT}v1.0/me/calendarView?${query}`).pathAndQuery).toBe(
      `${OWN}/calendarView?startDateTime=2026-01-01T00%3A00%3A00Z&endDateTime=2026-02-01&$top=5&$skip=5&$select=id%2Csubject` +
        "&$orderby=start%2FdateTime%20desc&$filter=contains(subject%2C'%24root%20%40me%20O''Neil')%20and%20isAllDay%20eq%20false" +
        '&$skiptoken=R%2BzMA%3D%3D',
    )
  })

  it.each([
    ['another mailbox by id', `v1.0/users/${OTHER_ID}/events`],
    ['another mailbox by address', 'v1.0/users/bela@contoso.test/events'],
    ['another mailbox by a look-alike', 'v1.0/users/%D0%B0nna@contoso.test/events'],
    ['the link to the next page of another mailbox', `v1.0/users/${OTHER_ID}/events?%24top=10&%24skip=10`],
    ['the key in parentheses', `v1.0/users('${OTHER_ID}')/events`],
    ['its own key in parentheses', `v1.0/users('${ID}')/events`],
    ['an address with an address behind it', 'v1.0/users/anna@contoso.test%2Fbela@contoso.test/events'],
    ['two addresses', 'v1.0/users/anna@contoso.test,bela@contoso.test/events'],
    ['an address with a NUL', 'v1.0/users/anna@contoso.test%00/events'],
    ['dot segments', `v1.0/me/../users/${OTHER_ID}/events`],
    ['dot segments after the mailbox', `v1.0/users/${ID}/../${OTHER_ID}/events`],
    ['encoded dot segments', `v1.0/me/%2e%2e/users/${OTHER_ID}/events`],
    ['dots encoded twice', `v1.0/me/%252e%252e/users/${OTHER_ID}/events`],
    ['dots for an id', 'v1.0/me/calendars/../events'],
    ['an encoded slash', `v1.0/me/calendars/x%2F..%2F..%2F..%2F${OTHER_ID}%2Fcalendars/events`],
    ['an encoded backslash', `v1.0/me/calendars/..%5C..%5C${OTHER_ID}/events`],
    ['a backslash', 'v1.0/me\\events'],
    ['a doubled slash', 'v1.0/me//events'],
    ['a slash at the end', 'v1.0/me/events/'],
    ['a path parameter', 'v1.0/me;x=y/events'],
    ['me in capitals', 'v1.0/ME/events'],
    ['me with encoded letters', 'v1.0/m%65/events'],
    ['me twice', 'v1.0/me/me/events'],
    ['another mailbox below me', `v1.0/me/users/${OTHER_ID}/events`],
    ['beta', 'beta/me/events'],
    ['no version', 'me/events'],
    ['the version in capitals', 'V1.0/me/events'],
    ['a batch', 'v1.0/$batch'],
    ['a batch with encoded letters', 'v1.0/%24batch'],
    ['the whole directory', 'v1.0/users'],
    ['the person', 'v1.0/me'],
    ['the person by id', `v1.0/users/${ID}`],
    ['mail', 'v1.0/me/messages'],
    ['settings of the mailbox', 'v1.0/me/mailboxSettings'],
    ['the manager', 'v1.0/me/manager'],
    ['a word instead of an id', 'v1.0/me/events/delta'],
    ['a function', 'v1.0/me/calendarView/delta'],
    ['a count', 'v1.0/me/events/$count'],
    ['a reference', `v1.0/me/events/${LONG_ID}/$ref`],
    ['from an event to its calendar', `v1.0/me/events/${LONG_ID}/calendar/events`],
    ['attachments', `v1.0/me/events/${LONG_ID}/attachments`],
    ['groups', `v1.0/groups/${OTHER_ID}/events`],
    ['places', 'v1.0/places/microsoft.graph.room'],
    ['an absolute URL', `https://graph.microsoft.com/v1.0/users/${OTHER_ID}/events`],
    ['another host', `@graph.microsoft.com/v1.0/users/${OTHER_ID}/events`],
  ])('is refused for %s', (_, path) => {
    expect(refusal(MOUNT + path)).toBe('not_admitted')
  })

  it.each([
    '$expand=calendar',
    '%24expand=attachments',
    '$EXPAND=instances',
    'expand=calendar',
    '$apply=aggregate(x)',
    '$compute=x',
    '$search=x',
    '$format=xml',
    '$deltatoken=x',
    '@x=1',
    'access_token=x',
    '$top=1&$top=2',
    '$top=1&%24TOP=2',
    '$top=-1',
    '$top=1%2C$expand=x',
    '$count=maybe',
    '$select=id;$expand=calendar',
    '$select=calendar($expand=events)',
    '$select=*',
    "$orderby=$root/users('x')/mail",
    "$filter=$root/users('x')/mail eq 'y'",
    '$filter=subject eq @x',
    "$filter=subject eq 'a",
    "$filter=contains(subject,'a')''' or $it",
    '$filter=a%0d%0ab',
    '$skiptoken=%00',
    'startDateTime=%zz',
  ])('is refused with the query %s', (query) => {
    const written = query.replaceAll(' ', '%20')
    expect(refusal(`${MOUNT}v1.0/me/calendarView?${written}`)).toBe('not_admitted')
  })

  it('does not look into events by a filter of the calendars that hold them', () => {
    const filter = "$filter=events/any(e:contains(e/subject,'merger'))"
    expect(refusal(`${MOUNT}v1.0/me/calendars?${filter}`, ['list_calendars'])).toBe('not_admitted')
    expect(refusal(`${MOUNT}v1.0/me/calendars?$orderby=name&$top=5`, ['list_calendars'])).toMatch(/^admitted/)
  })

  it('judges a filter of thousands of quotes at once', () => {
    const startedAt = performance.now()
    expect(refusal(`${MOUNT}v1.0/me/events?$filter=${"''".repeat(4000)}$`)).toBe('not_admitted')
    expect(performance.now() - startedAt).toBeLessThan(2_000)
  })
})

describe('the scope of a grant at Microsoft', () => {
  it.each<[path: string, missing: DelegatedPermission, held: DelegatedPermission[]]>([
    ['events', 'read_events', ['list_calendars', 'read_free_busy', 'create_event', 'delete_event']],
    ['calendarView', 'read_events', ['list_calendars', 'read_free_busy']],
    [`calendars/${LONG_ID}/events`, 'read_events', ['list_calendars', 'read_free_busy']],
    ['calendars', 'list_calendars', []],
  ])('is asked for %s: %s', (path, missing, held) => {
    expect(() => admit(`${MOUNT}v1.0/me/${path}`, held)).toThrow(
      expect.objectContaining({ code: 'insufficient_scope', publicText: expect.stringContaining(missing) }),
    )
    expect(refusal(`${MOUNT}v1.0/me/${path}`, [...held, missing])).toMatch(/^admitted/)
  })
})

describe('a change at Microsoft', () => {
  const WRITE = permissionsOf(['read_write'])

  it.each([
    ['events.create', 'POST', 'events'],
    ['calendar.events.create', 'POST', 'calendar/events'],
    ['events.update', 'PATCH', `events/${LONG_ID}`],
    ['events.delete', 'DELETE', `events/${LONG_ID}`],
    ['events.cancel', 'POST', `events/${LONG_ID}/cancel`],
    ['events.accept', 'POST', `events/${LONG_ID}/accept`],
    ['events.decline', 'POST', `events/${LONG_ID}/decline`],
    ['events.tentativelyAccept', 'POST', `events/${LONG_ID}/tentativelyAccept`],
    ['calendars.create', 'POST', 'calendars'],
  ])('is admitted as %s and goes to the mailbox itself', (shape, method, path) => {
    const out = { shape: `microsoft.${shape}`, method, pathAndQuery: `${OWN}/${path.replaceAll('=', '%3D')}` }
    for (const whose of ['me', `users/${ID}`, 'users/ANNA%40contoso.test'])
      expect(admit(`${MOUNT}v1.0/${whose}/${path}`, WRITE, method)).toEqual(out)
  })

  it('in a calendar by its id is told whose that has to be', () => {
    const path = `${MOUNT}v1.0/me/calendars/${LONG_ID}/events`
    expect(admit(path, WRITE, 'POST').calendarId).toBe(LONG_ID)
    expect(admit(`${path}/${LONG_ID}`, WRITE, 'DELETE').calendarId).toBe(LONG_ID)
  })

  it.each([
    ['an event of a colleague', 'POST', 'v1.0/users/bill@contoso.test/events'],
    ['an event of a colleague by id', 'DELETE', `v1.0/users/${OTHER_ID}/events/${LONG_ID}`],
    ['a colleague in parentheses', 'POST', `v1.0/users('${OTHER_ID}')/events`],
    ['a colleague by dot segments', 'POST', `v1.0/me/../users/${OTHER_ID}/events`],
    ['a colleague by an encoded slash', 'POST', `v1.0/me%2F..%2Fusers%2F${OTHER_ID}%2Fevents`],
    ['a path parameter', 'POST', `v1.0/me;id=${OTHER_ID}/events`],
    ['a batch', 'POST', 'v1.0/$batch'],
    ['a batch below the mailbox', 'POST', 'v1.0/me/$batch'],
    ['beta', 'POST', 'beta/me/events'],
    ['mail', 'POST', 'v1.0/me/sendMail'],
    ['a subscription', 'POST', 'v1.0/subscriptions'],
    ['forwarding to others', 'POST', `v1.0/me/events/${LONG_ID}/forward`],
    ['an attachment', 'POST', `v1.0/me/events/${LONG_ID}/attachments`],
    ['sharing a calendar', 'POST', `v1.0/me/calendar/calendarPermissions`],
    ['schedules of anybody', 'POST', 'v1.0/me/calendar/getSchedule'],
    ['a reference', 'POST', `v1.0/me/calendars/${LONG_ID}/events/$ref`],
    ['an option', 'POST', 'v1.0/me/events?$expand=calendar'],
  ])('is refused for %s', (_, method, path) => {
    // Where the last part could be an id, it is the method that does not pass.
    expect(refusal(MOUNT + path, WRITE, method)).toMatch(/^(?:not_admitted|method_not_allowed)$/)
  })

  it.each([
    ['PUT', `events/${LONG_ID}`],
    ['POST', `events/${LONG_ID}`],
    ['DELETE', 'events'],
    ['PATCH', 'calendar'],
    ['DELETE', `calendars/${LONG_ID}`],
    ['GET', `events/${LONG_ID}/accept`],
    ['MERGE', `events/${LONG_ID}`],
  ])('is refused by a method that nobody has thought of: %s %s', (method, path) => {
    expect(refusal(`${MOUNT}v1.0/me/${path}`, WRITE, method)).toBe('method_not_allowed')
  })

  it.each<[method: string, path: string, missing: DelegatedPermission]>([
    ['POST', 'events', 'create_event'],
    ['PATCH', `events/${LONG_ID}`, 'create_event'],
    ['DELETE', `events/${LONG_ID}`, 'delete_event'],
    ['POST', `events/${LONG_ID}/cancel`, 'delete_event'],
    ['POST', `events/${LONG_ID}/decline`, 'change_participation_status'],
    ['POST', 'calendars', 'create_calendar'],
  ])('needs its scope, which the refusal names: %s %s', (method, path, missing) => {
    const others = WRITE.filter((permission) => permission !== missing)
    expect(() => admit(`${MOUNT}v1.0/me/${path}`, others, method)).toThrow(
      expect.objectContaining({
        code: 'insufficient_scope',
        challenge: `Bearer error="insufficient_scope", scope="${missing}"`,
      }),
    )
    expect(admit(`${MOUNT}v1.0/me/${path}`, [missing], method).method).toBe(method)
  })

  it('shows what stood there before only to who may read it', () => {
    const path = `${MOUNT}v1.0/me/events/${LONG_ID}`
    expect(admit(path, permissionsOf(['write_only']), 'PATCH').answerKeptBack).toBe(true)
    expect(admit(path, WRITE, 'PATCH').answerKeptBack).toBeUndefined()
  })
})
