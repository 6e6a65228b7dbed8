import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { until } from '#platform/testing/until.js'
import type { FaultRule } from '../../apps/sandbox/core/fault-rules.js'
import { openProxyStage, type ProxyStage, type StageProvider } from './proxy-stage.js'

const TARGETS = {
  google: '/v1/proxy/google/calendar/v3/calendars/primary/events',
  microsoft: '/v1/proxy/microsoft/v1.0/me/events',
}
const READS = { google: '/calendar/v3/*', microsoft: '/v1.0/users/*' }
const BOTH: [StageProvider][] = [['google'], ['microsoft']]

describe('when a provider', () => {
  const { url } = testDatabase()
  let stage: ProxyStage
  let tokens: Record<StageProvider, string>

  beforeAll(async () => {
    stage = await openProxyStage(url, 2)
    tokens = {
      google: await stage.tokenFor('google', 'anna@acme.test'),
      microsoft: await stage.tokenFor('microsoft', 'milton@initech.test'),
    }
  })
  afterAll(() => stage.close())
  beforeEach(() => stage.reset())

  const read = (provider: StageProvider, more = '') => stage.get(tokens[provider], TARGETS[provider] + more)
  const break_ = (provider: StageProvider, fault: FaultRule) =>
    stage.sandbox[provider].faults.add({ path: READS[provider], ...fault })

  describe('refuses the call, its own words come back:', () => {
    it('no such event at Google', async () => {
      const answer = await read('google', '/abc12')
      expect(answer).toMatchObject({ status: 404, json: { error: { code: 404, errors: [{ reason: 'notFound' }] } } })
    })

    it('a wrong option at Microsoft', async () => {
      expect(await read('microsoft', '?$top=0')).toMatchObject({ status: 400, json: { error: { code: 'BadRequest' } } })
    })

    it('a mailbox that is gone at Microsoft', async () => {
      stage.sandbox.microsoft.mutate('set-mailbox', { email: 'milton@initech.test', mailbox: 'none' })
      expect(await read('microsoft')).toMatchObject({ status: 404, json: { error: { code: 'ResourceNotFound' } } })
    })

    it.each(BOTH)('slow down, at %s, and for how long', async (provider) => {
      const answer = { status: 429, headers: { 'retry-after': '17' }, json: { error: { code: 'TooManyRequests' } } }
      break_(provider, { answer })
      const { status, headers, json } = await read(provider)
      expect({ status, wait: headers['retry-after'], json }).toEqual({ status: 429, wait: '17', json: answer.json })
    })
  })

  describe.each(BOTH)('%s fails, the caller gets a 503 of ours:', (provider) => {
    it.each<[string, FaultRule, string | undefined]>([
      ['an error of its own', { answer: { status: 500, json: { error: 'x' } } }, undefined],
      ['down for a while', { answer: { status: 503, headers: { 'retry-after': '9' }, json: { error: 'x' } } }, '9'],
      ['a page of HTML', { answer: { status: 200, html: '<script>alert(1)</script>' } }, undefined],
      ['a refusal in HTML', { answer: { status: 403, html: '<h1>Forbidden</h1>' } }, undefined],
      ['a redirect', { answer: { status: 302, headers: { location: 'https://evil.test/' }, json: {} } }, undefined],
      ['a closed connection', { reset: true }, undefined],
      ['no answer', { hang: true }, undefined],
    ])('%s', async (_, fault, wait) => {
      break_(provider, fault)
      const { status, headers, json } = await read(provider)
      expect({ status, wait: headers['retry-after'] }).toEqual({ status: 503, wait })
      expect(json).toEqual({ error: expect.any(String), error_description: expect.stringContaining('provider') })
      expect(headers.location).toBeUndefined()
    })
  })

  it('breaks off in the middle of a streamed answer, the caller’s breaks off too', async () => {
    const text = JSON.stringify({ items: ['x'.repeat(32 * 1024 * 1024)] })
    break_('google', { answer: { status: 200, headers: { 'content-type': 'application/json' }, text } })
    const headers = { authorization: `Bearer ${tokens.google}` }
    const answer = await fetch(stage.url + TARGETS.google, { headers })
    expect(answer.status).toBe(200)
    stage.sandbox.google.http.server.closeAllConnections()
    await expect(answer.text()).rejects.toThrow('terminated')
    expect(stage.logged.at(-1)).toMatch('"code":"provider.broke_off"')
  })

  it('breaks off in the middle of a page that is read for links, the caller gets a 503', async () => {
    break_('microsoft', { truncate: true })
    expect(await read('microsoft')).toMatchObject({ status: 503, json: { error: 'provider.unavailable' } })
  })

  it('sends a page that is too large to look through, the caller is told to ask for less', async () => {
    const text = JSON.stringify({ value: ['x'.repeat(9 * 1024 * 1024)] })
    const answer = { status: 200, headers: { 'content-type': 'application/json' }, text }
    break_('microsoft', { answer })
    expect(await read('microsoft')).toMatchObject({
      status: 422,
      json: { errors: { $top: [{ key: 'errors.page_too_large' }] } },
    })
  })

  it('sends as much without links to look for, it all comes through', async () => {
    const text = JSON.stringify({ items: ['x'.repeat(9 * 1024 * 1024)] })
    break_('google', { answer: { status: 200, headers: { 'content-type': 'application/json' }, text } })
    expect((await read('google')).text).toHaveLength(text.length)
  })

  describe.each(BOTH)('%s no longer takes the token that we kept', (provider) => {
    const rejected: FaultRule = { answer: { status: 401, json: { error: { code: 401 } } } }

    it('once, it is asked again with a new one', async () => {
      break_(provider, { ...rejected, times: 1 })
      expect((await read(provider)).status).toBe(200)
    })

    it('nor a new one, that is no 401 of the caller’s', async () => {
      break_(provider, rejected)
      const { status, headers, json } = await read(provider)
      expect({ status, error: json.error }).toEqual({ status: 403, error: 'provider.token_rejected' })
      expect(headers['www-authenticate']).toBeUndefined()
    })
  })

  it('no longer lets us act as the mailbox, the caller is told what to mend', async () => {
    const ofBen = await stage.tokenFor('google', 'ben@acme.test')
    stage.sandbox.google.mutate('suspend-user', { email: 'ben@acme.test' })
    const refused = await stage.get(ofBen, TARGETS.google)
    expect(refused).toMatchObject({ status: 403, json: { error: 'google.subject_suspended' } })
    // That was the end of it.
    stage.reset()
    expect((await stage.get(ofBen, TARGETS.google)).status).toBe(401)
    stage.sandbox.google.mutate('remove-delegation', { clientId: '108844220066113355779' })
    const { status, json } = await read('google')
    expect(status).toBe(403)
    expect(json).toEqual({
      error: 'google.delegation_missing',
      error_description: expect.stringContaining('Admin console'),
    })
  })

  it('answers a caller who has gone away, nobody waits for it', async () => {
    const server = stage.sandbox.google.http.server
    const connections = () => new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count)))
    break_('google', { hang: true })
    stage.logged.length = 0
    const left = new AbortController()
    const gone = stage.get(tokens.google, TARGETS.google, { signal: left.signal }).catch((error) => error.name)
    const hung = stage.sandbox.google.journal
    await until('the call to hang', () => hung.list({ path: '/calendar/v3' }).some(({ status }) => status === null))
    const before = await connections()
    const startedAt = performance.now()
    left.abort()
    expect(await gone).toBe('AbortError')
    await until('our call to be given up', async () => (await connections()) < before)
    // Our own patience with the provider would have ended after two seconds.
    expect(performance.now() - startedAt).toBeLessThan(1_800)
    expect(stage.logged.filter((line) => JSON.parse(line).level >= 40)).toEqual([])
  })
})
