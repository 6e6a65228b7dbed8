import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, Page } from 'playwright-core'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { accessibilityProblems, keepPicture, launchChromium, openTab, withChromium } from './consent-chromium.js'
import { type ConsentStage, openConsentStage, type StageClient } from './consent-stage.js'

withChromium('an administrator with a browser', () => {
  const database = testDatabase()
  let stage: ConsentStage
  let client: StageClient
  let site: Server
  let browser: Browser

  beforeAll(async () => {
    stage = await openConsentStage(database.url)
    // The client's own page, at which every visit ends.
    site = createServer((_request, response) =>
      response.setHeader('content-type', 'text/html').end('<title>Client</title>'),
    )
    site.listen(0, '127.0.0.1')
    await new Promise((resolve) => site.once('listening', resolve))
    const redirectUri = `http://127.0.0.1:${(site.address() as AddressInfo).port}/connected`
    client = await stage.addClient('Acme Scheduler', redirectUri)
    await stage.setOperatorCredentials()
    browser = await launchChromium()
  })
  afterAll(async () => {
    await browser.close()
    site.close()
    await stage.close()
  })

  const press = (page: Page, button: string | RegExp) => page.getByRole('button', { name: button }).click()
  type Look = (page: Page, name: string) => Promise<void>
  const pass: Look = async () => {}
  const lookClosely: Look = async (page, name) => {
    expect({ name, problems: await accessibilityProblems(page) }).toEqual({ name, problems: [] })
    await keepPicture(page, `journey-${name}`)
  }
  const isAtClient = (page: Page) => page.waitForURL((url) => url.href.startsWith(client.redirectUri))

  const untilGoogleDecision = async (page: Page, lookAt = pass) => {
    await page.goto(stage.link(client))
    await lookAt(page, 'google-1-who-is-asking')
    await press(page, 'Continue with Google Workspace')
    await lookAt(page, 'google-2-delegation')
    const clientId = await page.locator('#client-id').textContent()
    const scopes = await page.locator('#scopes').textContent()
    stage.sandbox.google.mutate('add-delegation', { clientId, scopes: scopes!.split(','), organisation: 'acme.test' })

    await press(page, 'I have added it: sign in and check')
    await press(page, /admin@acme\.test/)
    const allow = page.getByRole('button', { name: 'Allow' })
    const goOn = page.getByRole('button', { name: 'Go on to the decision' })
    await allow.or(goOn).waitFor()
    if (await allow.isVisible()) await allow.click()
    await goOn.waitFor()
    await lookAt(page, 'google-3-check')
    await goOn.click()
    await lookAt(page, 'google-4-decision')
  }

  const untilMicrosoftDecision = async (page: Page, lookAt = pass) => {
    await page.goto(stage.link(client))
    await press(page, 'Continue with Microsoft 365')
    await lookAt(page, 'microsoft-2-two-screens')
    await press(page, 'Go to Microsoft and sign in')
    await press(page, /admin@initech\.test/)
    const accept = page.getByRole('button', { name: 'Accept' })
    const whoOnceMore = page.getByRole('button', { name: /admin@initech\.test/ })
    await accept.or(whoOnceMore).waitFor()
    if (await whoOnceMore.isVisible()) await whoOnceMore.click()
    await accept.click()
    await page.getByRole('button', { name: 'Go on to the decision' }).waitFor()
    await lookAt(page, 'microsoft-3-check')
    await press(page, 'Go on to the decision')
    await lookAt(page, 'microsoft-4-decision')
  }

  describe.each([
    ['Google', untilGoogleDecision],
    ['Microsoft', untilMicrosoftDecision],
  ])('at %s', (_provider, untilDecision) => {
    it.each([true, false])('allows and lands on the client with a code (JavaScript: %s)', async (javaScriptEnabled) => {
      const { page, complaints, close } = await openTab(browser, stage.url, { javaScriptEnabled })
      // axe itself is a script.
      await untilDecision(page, javaScriptEnabled ? lookClosely : pass)
      await press(page, 'Allow Acme Scheduler')
      await isAtClient(page)
      const returned = new URL(page.url())
      expect(returned.searchParams.get('code')).toMatch(/^[\w-]{32}$/)
      expect(returned.searchParams.get('state')).toBe('a b+c&d=é')
      expect(complaints).toEqual([])
      await close()
    })

    it('denies and lands on the client with access_denied', async () => {
      const { page, complaints, close } = await openTab(browser, stage.url)
      await untilDecision(page)
      await press(page, 'Deny Acme Scheduler')
      await isAtClient(page)
      expect(new URL(page.url()).searchParams.get('error')).toBe('access_denied')
      expect(complaints).toEqual([])
      await close()
    })
  })

  it('clicks Allow twice in a hurry and still arrives with a code that works', async () => {
    // With JavaScript our own script would swallow the second click.
    const { page, close } = await openTab(browser, stage.url, { javaScriptEnabled: false })
    await untilGoogleDecision(page)
    await page.getByRole('button', { name: 'Allow Acme Scheduler' }).dblclick()
    await isAtClient(page)
    const code = new URL(page.url()).searchParams.get('code')
    const answer = await fetch(`${stage.url}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        client_id: client.id,
        client_secret: client.secret,
        redirect_uri: client.redirectUri,
        code: code!,
      }),
    })
    expect(answer.status).toBe(200)
    await close()
  })

  it('goes back, chooses the other provider, and finds its page', async () => {
    const { page, close } = await openTab(browser, stage.url)
    await page.goto(stage.link(client))
    await press(page, 'Continue with Google Workspace')
    await page.getByRole('heading', { name: 'Add one entry in the Google Admin console' }).waitFor()
    await page.goBack()
    await press(page, 'Continue with Microsoft 365')
    await page.getByRole('heading', { name: 'Sign in at Microsoft and grant the permissions' }).waitFor()
    await close()
  })

  it('copies the client ID with a button', async () => {
    const { page, close } = await openTab(browser, stage.url, { permissions: ['clipboard-read', 'clipboard-write'] })
    await page.goto(stage.link(client))
    await press(page, 'Continue with Google Workspace')
    await page.locator('[data-copy=client-id]').click()
    await page.getByText('Copied').waitFor()
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(await page.locator('#client-id').textContent())
    await close()
  })

  it('sees the check line by line while it runs', async () => {
    const { page, close } = await openTab(browser, stage.url)
    await untilGoogleDecision(page)
    stage.sandbox.google.faults.add({ path: '/calendar/*', delayMs: 2_500, times: 1 })
    await page.goto(page.url().replace(/\/decide.*$/, '/check'), { waitUntil: 'commit' })
    await page.getByText('Waiting for Google to answer').waitFor()
    expect(await page.locator('.line.passed').count()).toBeGreaterThan(3)
    expect(await page.getByRole('button', { name: 'Go on to the decision' }).count()).toBe(0)
    await page.getByRole('button', { name: 'Go on to the decision' }).waitFor()
    expect(await page.getByText('Waiting for Google to answer').isVisible()).toBe(false)
    await close()
  })

  it.each([true, false])(
    'says when a client secret expires, at the width of a phone (JavaScript: %s)',
    async (scripts) => {
      const options = { javaScriptEnabled: scripts, viewport: { width: 360, height: 740 } }
      const { page, complaints, close } = await openTab(browser, stage.url, options)
      await page.goto(stage.link(client))
      await press(page, 'Use our own app registration')
      await page.getByLabel('Day on which the secret expires').fill('2026-01-31')
      if (scripts) await lookClosely(page, 'microsoft-2-own-registration')
      await press(page, 'Check what I entered')
      await page.getByRole('link', { name: 'Enter a day that lies ahead' }).waitFor()
      if (scripts) await lookClosely(page, 'microsoft-2-own-registration-complaint')
      expect(await page.getByLabel('Day on which the secret expires').inputValue()).toBe('2026-01-31')
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360)
      // The answer is a 422, which a browser reports as an error of the page.
      expect(complaints.filter((complaint) => !complaint.includes('422'))).toEqual([])
      await close()
    },
  )

  it('brings a key of its own, which the page never shows again', async () => {
    const { page, close } = await openTab(browser, stage.url)
    await page.goto(stage.link(client))
    await press(page, 'Use our own Google service account')
    await lookClosely(page, 'google-2-own-key')
    await page.getByLabel('or paste the content of that file').fill(JSON.stringify(stage.operator.googleKeyFile))
    await press(page, 'Check what I entered')
    await page.getByText('Something is missing').waitFor()
    await lookClosely(page, 'google-2-own-key-complaint')
    expect(await page.content()).not.toContain('PRIVATE KEY')
    await close()
  })
})
