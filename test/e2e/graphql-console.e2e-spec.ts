import type { Browser } from 'playwright-core'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { type ApiApp, openApiApp } from './api-app.js'
import {
  accessibilityProblems,
  keepPicture,
  launchChromium,
  openTab,
  overflowOf,
  withChromium,
} from './consent-chromium.js'

withChromium('the GraphQL console in a browser', () => {
  const { url } = testDatabase()
  let api: ApiApp
  let browser: Browser
  let key: string
  let origin: string

  beforeAll(async () => {
    api = await openApiApp(url)
    await api.app.listen(0, '127.0.0.1')
    origin = await api.app.getUrl()
    const asAdmin = async (path: string, payload: object) => {
      const headers = { authorization: `Bearer ${api.adminKey}` }
      return (await api.app.inject({ method: 'POST', url: `/admin/v1${path}`, headers, payload })).json()
    }
    const { client_id } = await asAdmin('/clients', { name: 'Acme' })
    key = (await asAdmin('/keys', { client_id, scopes: ['oauth-api:query:*'] })).key
    browser = await launchChromium()
  })
  afterAll(async () => {
    await browser?.close()
    await api?.close()
  })

  it.each([
    ['light', 1280],
    ['dark', 360],
  ] as const)(
    'runs a document and shows the schema to whoever has a key, %s at %i pixels',
    async (colorScheme, width) => {
      const tab = await openTab(browser, origin, { colorScheme, viewport: { width, height: 800 } })
      const { page } = tab
      const answer = page.getByRole('status')
      await page.goto(`${origin}/graphql/console`)
      expect(await accessibilityProblems(page)).toEqual([])

      await page.getByLabel('API key').fill(key)
      await page
        .getByLabel('Document')
        .fill('query ($unused: String = "x") { version again: version @skip(if: false) }')
      await page.getByLabel('Variables').fill('')
      await page.getByRole('button', { name: 'Run the document' }).click()
      await answer.getByText('$unused').waitFor()
      await page.getByLabel('Document').fill('{ version }')
      await page.getByRole('button', { name: 'Run the document' }).click()
      await answer.getByText('"version": "1"').waitFor()
      await page.getByLabel('Variables').fill('{')
      await page.getByRole('button', { name: 'Run the document' }).click()
      await answer.getByText('The variables are not JSON').waitFor()
      await page.getByRole('button', { name: 'Show the schema' }).click()
      await answer.getByText('finalizeAuthorization(input: FinalizeAuthorizationInput!): Authorization').waitFor()
      expect(await accessibilityProblems(page)).toEqual([])
      expect(await overflowOf(page)).toBe(0)
      await keepPicture(page, `graphql-console-${colorScheme}`)

      await page.getByLabel('API key').fill('mandate_wrong')
      await page.getByRole('button', { name: 'Show the schema' }).click()
      await answer.getByText('invalid_api_key').waitFor()
      await page.reload()
      expect(await page.getByLabel('API key').inputValue()).toBe('')
      // The refusal of the wrong key, and nothing about our policy.
      expect(tab.complaints.filter((complaint) => !complaint.includes('401'))).toEqual([])
      await tab.close()
    },
    60_000,
  )
})
