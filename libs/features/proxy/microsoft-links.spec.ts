import { admitMicrosoftCall } from './microsoft-calls.js'
import { withLinksThroughUs } from './microsoft-links.js'
import { cutTarget } from './request-target.js'

const ID = '11111111-aaaa-4bbb-8ccc-000000000001'
const OTHER_ID = '11111111-aaaa-4bbb-8ccc-000000000002'
const MOUNT = new URL('https://broker.test/v1/proxy/microsoft/')
const EVENTS = { value: [{ id: 'x', subject: 'Plan ✓', body: { '@odata.nextLink': 'not ours to change' } }] }

async function* chunked(text: string) {
  for (const part of Buffer.from(text)
    .toString('latin1')
    .match(/.{1,7}/gs) ?? [])
    yield Buffer.from(part, 'latin1')
}

async function nextOf(link: string): Promise<string> {
  const page = JSON.stringify({ '@odata.nextLink': link, ...EVENTS })
  const { '@odata.nextLink': next, ...rest } = JSON.parse(
    (await withLinksThroughUs(chunked(page), MOUNT, ID)).toString(),
  )
  expect(rest).toEqual(EVENTS)
  return next
}

describe('a page of Graph', () => {
  it.each([
    [`https://graph.microsoft.com/v1.0/users/${ID}/events?%24top=10&%24skip=10`, '/events?%24top=10&%24skip=10'],
    [
      `http://127.0.0.1:9082/v1.0/users/${ID.toUpperCase()}/calendarView?$skiptoken=abc`,
      '/calendarView?$skiptoken=abc',
    ],
    [
      `https://graph.microsoft.com/v1.0/users('${ID}')/calendars('AAMkAGI2TG93AAAAAAAA_-=')/events?$skip=10`,
      '/calendars/AAMkAGI2TG93AAAAAAAA_-=/events?$skip=10',
    ],
  ])('leads on through the proxy: %s', async (link, rest) => {
    const next = await nextOf(link)
    expect(next).toBe(`https://broker.test/v1/proxy/microsoft/v1.0/me${rest}`)
    const { pathname, search } = new URL(next)
    const target = cutTarget(pathname + search, MOUNT.pathname)
    expect(() =>
      admitMicrosoftCall('GET', target, { email: 'anna@acme.test', providerUserId: ID }, ['read_events']),
    ).not.toThrow()
  })

  it('that names another mailbox leads to a refusal', async () => {
    const next = await nextOf(`https://graph.microsoft.com/v1.0/users/${OTHER_ID}/events?$skip=10`)
    expect(next).toBe(`https://broker.test/v1/proxy/microsoft/v1.0/users/${OTHER_ID}/events?$skip=10`)
    const { pathname, search } = new URL(next)
    const target = cutTarget(pathname + search, MOUNT.pathname)
    expect(() =>
      admitMicrosoftCall('GET', target, { email: 'anna@acme.test', providerUserId: ID }, ['read_events']),
    ).toThrow(expect.objectContaining({ code: 'not_admitted' }))
  })

  it('without a link stays as it is, byte for byte', async () => {
    const page = ' { "value" : [ ] , "n": 12345678901234567890 }'
    expect((await withLinksThroughUs(chunked(page), MOUNT, ID)).toString()).toBe(page)
  })

  it('that is too large to look through is refused, and read no further', async () => {
    let sent = 0
    let closed = false
    async function* endless() {
      try {
        for (;;) {
          sent += 1
          yield new Uint8Array(1024 * 1024)
        }
      } finally {
        closed = true
      }
    }
    await expect(withLinksThroughUs(endless(), MOUNT, ID)).rejects.toMatchObject({
      status: 422,
      problems: { $top: [{ key: 'errors.page_too_large' }] },
    })
    expect([sent, closed]).toEqual([9, true])
  })

  it.each(['{"value":[', '', '{"@odata.nextLink":"https://"}'])(
    'that cannot be read is not passed on: %s',
    async (page) => {
      await expect(withLinksThroughUs(chunked(page), MOUNT, ID)).rejects.toMatchObject({ status: 503 })
    },
  )
})
