import { createHash } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, Page } from 'playwright-core'
import { samplePages } from '#features/end-user-oauth/pages/sample-pages.js'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { type ConnectClient, type ConnectStage, openConnectStage } from './connect-stage.js'
import {
  accessibilityProblems,
  keepPicture,
  launchChromium,
  openTab,
  overflowOf,
  withChromium,
} from './consent-chromium.js'

const VERIFIER = 'a-verifier-that-is-long-enough-to-be-one-of-RFC-7636'
const CHALLENGE = createHash('sha256').update(VERIFIER).digest('base64url')
const PHONE = { viewport: { width: 360, height: 740 }, colorScheme: 'dark' } as const

/** Longer than anybody will ever see. */
const LONG = {
  clientName:
    'Internationale Terminabstimmungsgesellschaft für Besprechungsraumverwaltung und Kalendersynchronisierung',
  redirectUri: 'https://terminabstimmung-und-raumverwaltung.kalenderdienste.münchen.example:8443/verbunden',
  loginHint: 'maximiliana.von-und-zu-hohenlohe@verwaltung.donaudampfschifffahrt.example',
}

withChromium('a person with a browser', () => {
  const database = testDatabase()
  let stage: ConnectStage
  let client: ConnectClient
  let site: Server
  let browser: Browser

  beforeAll(async () => {
    stage = await openConnectStage(database.url)
    // The client's own page, at which every visit ends.
    site = createServer((_request, response) =>
      response.setHeader('content-type', 'text/html').end('<title>Client</title>'),
    )
    site.listen(0, '127.0.0.1')
    await new Promise((resolve) => site.once('listening', resolve))
    const redirectUri = `http://127.0.0.1:${(site.address() as AddressInfo).port}/connected`
    client = await stage.addConnectClient('Acme Scheduler', redirectUri)
    browser = await launchChromium()
  })
  afterAll(async () => {
    await browser.close()
    site.close()
    await stage.close()
  })

  const link = (parameters: Record<string, string> = {}) =>
    `${stage.url}/oauth/authorize?${new URLSearchParams({
      ...{ response_type: 'code', client_id: client.id, redirect_uri: client.redirectUri, scope: 'read_write' },
      ...{ state: 'a b+c&d=é', code_challenge: CHALLENGE, code_challenge_method: 'S256', ...parameters },
    })}`
  const press = (page: Page, button: string | RegExp) => page.getByRole('button', { name: button }).click()
  const lookClosely = async (page: Page, name: string) => {
    expect({ name, problems: await accessibilityProblems(page) }).toEqual({ name, problems: [] })
    await keepPicture(page, `person-${name}`)
  }
  const isAtClient = async (page: Page) => {
    await page.waitForURL((url) => url.href.startsWith(client.redirectUri))
    const { searchParams } = new URL(page.url())
    expect([searchParams.get('state'), searchParams.get('iss')]).toEqual(['a b+c&d=é', stage.url])
    return searchParams
  }
  const exchange = async (returned: URLSearchParams) => {
    const answer = await fetch(`${stage.url}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams({
        ...{ grant_type: 'authorization_code', client_id: client.id, client_secret: client.secret },
        ...{ redirect_uri: client.redirectUri, code: returned.get('code')!, code_verifier: VERIFIER },
      }),
    })
    expect(answer.status).toBe(200)
    return answer.json() as Promise<{ account_id: string; access_token: string; refresh_token: string }>
  }
  /** Until the client, or a page of ours; whichever boxes are ticked, and whether the provider asks at all. */
  const allowAt = async (page: Page, provider: 'Google' | 'Microsoft', email: RegExp) => {
    await page.goto(link())
    await press(page, `Continue with ${provider}`)
    await press(page, email)
    const allow = page.getByRole('button', { name: provider === 'Google' ? 'Allow' : 'Accept' })
    await Promise.race([allow.waitFor(), page.waitForURL((url) => url.href.startsWith(client.redirectUri))])
    if (page.url().startsWith(client.redirectUri)) return isAtClient(page)
    await allow.click()
    return isAtClient(page)
  }

  describe.each([
    ['Google', /anna@acme\.test/],
    ['Microsoft', /milton@initech\.test/],
  ] as const)('at %s', (provider, email) => {
    it('connects, connects the same account again, and the client disconnects it', async () => {
      const { page, complaints, close } = await openTab(browser, stage.url)
      const first = await exchange(await allowAt(page, provider, email))
      const second = await exchange(await allowAt(page, provider, email))
      expect(second.account_id).toBe(first.account_id)
      expect(complaints).toEqual([])
      await close()

      const { id, secret } = client
      const form = { client_id: id, client_secret: secret, token: second.refresh_token }
      await fetch(`${stage.url}/oauth/revoke`, { method: 'POST', body: new URLSearchParams(form) })
      const headers = { authorization: `Bearer ${first.access_token}` }
      expect((await fetch(`${stage.url}/v1/userinfo`, { headers })).status).toBe(401)
    })

    it('denies at the provider, and returns to the client without connecting', async () => {
      const { page, close } = await openTab(browser, stage.url, PHONE)
      await page.goto(link())
      await lookClosely(page, `${provider}-1-pick`)
      await press(page, `Continue with ${provider}`)
      // Google asks after the account was chosen; Microsoft has a way out before.
      if (provider === 'Google') await press(page, /ben@acme\.test/)
      await press(page, 'Cancel')
      await page.getByRole('heading', { name: 'You did not allow the access' }).waitFor()
      await lookClosely(page, `${provider}-2-declined`)
      await page.getByRole('link', { name: 'Return to Acme Scheduler without connecting' }).click()
      expect((await isAtClient(page)).get('error')).toBe('access_denied')
      await close()
    })
  })

  it('unticks a box at Google, reads what was left out, and tries again without JavaScript', async () => {
    const { page, close } = await openTab(browser, stage.url, { javaScriptEnabled: false })
    await page.goto(link({ provider_name: 'google' }))
    await press(page, /carla@acme/)
    await page.getByRole('checkbox').first().uncheck()
    await press(page, 'Allow')
    await page.getByRole('heading', { name: 'Something was left out' }).waitFor()
    await keepPicture(page, 'person-partial')
    await page.getByRole('link', { name: 'Try again' }).click()
    await press(page, /carla@acme/)
    await press(page, 'Allow')
    expect((await isAtClient(page)).get('code')).toMatch(/^[\w-]{32}$/)
    await close()
  })

  it('leaves from our own page', async () => {
    const { page, complaints, close } = await openTab(browser, stage.url)
    await page.goto(link())
    await press(page, 'Do not connect, return to Acme Scheduler')
    expect((await isAtClient(page)).get('error')).toBe('access_denied')
    expect(complaints).toEqual([])
    await close()
  })

  it('reads every page on a phone, whatever the client calls itself', async () => {
    const { page, close } = await openTab(browser, stage.url, PHONE)
    await page.goto(link())
    const asset = (selector: string, name: string) => page.locator(selector).getAttribute(name) as Promise<string>
    const frame = {
      ...{ requestId: 'req_7f3c2a9d5e814b067f3c2a9d', brokerHost: 'connect.mandate.test', icon: '' },
      ...{ stylesheet: await asset('link[rel=stylesheet]', 'href'), script: await asset('script', 'src') },
    }
    const pages = samplePages(frame, LONG)
    for (const [name, html] of Object.entries(pages)) {
      // Under the address of our own page, so that its stylesheet is found.
      await page.route('**/looked-at', (route) => route.fulfill({ contentType: 'text/html', body: html }))
      await page.goto(`${stage.url}/looked-at`)
      expect([name, await overflowOf(page)]).toEqual([name, 0])
      if (!name.startsWith('stop-') || name.startsWith('stop-wrongAccount')) await lookClosely(page, `long-${name}`)
      await page.unroute('**/looked-at')
    }
    await close()
  })
})
