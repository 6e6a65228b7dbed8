import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser } from 'playwright-core'
import { ORDINARY, samplePages } from '#features/service-accounts/pages/sample-pages.js'
import { PageAssets } from '#platform/pages/page-assets.js'
import {
  accessibilityProblems,
  keepPicture,
  launchChromium,
  openTab,
  overflowOf,
  withChromium,
} from './consent-chromium.js'

/** Longer than anybody will ever see, in a language whose words do not end. */
const LONG = {
  clientName:
    'Internationale Terminabstimmungsgesellschaft für Besprechungsraumverwaltung und Kalendersynchronisierung mbH',
  redirectUri: 'https://terminabstimmung-und-raumverwaltung.kalenderdienste.münchen.example:8443/verbunden',
  organisationName: 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft',
  administratorEmail: 'maximiliana.von-und-zu-hohenlohe@verwaltung.donaudampfschifffahrt.example',
}

const VIEWS = [
  { name: '360-dark', viewport: { width: 360, height: 740 }, colorScheme: 'dark' },
  { name: '1280-light', viewport: { width: 1280, height: 900 }, colorScheme: 'light' },
] as const

/** A phone, and a window of 1280 pixels at 200 % zoom: half the room for everything. */
const ROOMS = [
  { width: 360, height: 740 },
  { width: 640, height: 450 },
]

/** What is folded away must fit too. */
const OPEN_GUIDES = "for (const guide of document.querySelectorAll('details')) guide.open = true"

const STRETCH_SENTENCES = `
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent
    walker.currentNode.textContent = text + text.slice(0, Math.ceil(text.length / 3))
  }`

/** Endings are made of the same few elements, and so are checks that fail at one step or another: these have all of them. */
const ALIKE = { 'ending-': 'ending-notAdministrator', 'check-failed-': 'check-failed-mailbox' }
const isWorthAWholeLook = (name: string) =>
  Object.entries(ALIKE).every(([prefix, typical]) => !name.startsWith(prefix) || name === typical)

withChromium('the pages as a browser shows them', () => {
  const assets = new PageAssets()
  const frame = {
    requestId: 'req_7f3c2a9d5e814b067f3c2a9d',
    brokerHost: 'connect.mandate.test',
    stylesheet: assets.stylesheet,
    script: assets.script,
    icon: assets.icon,
  }
  const pages = { short: samplePages(frame, ORDINARY), long: samplePages(frame, LONG) }
  let server: Server
  let browser: Browser
  let url: string

  beforeAll(async () => {
    server = createServer((request, response) => {
      const [, set, name] = request.url!.split('/')
      const asset = assets.find(request.url!.split('/').at(-1)!)
      const html = pages[set as keyof typeof pages]?.[name!]
      response.setHeader('content-type', asset?.contentType ?? 'text/html; charset=utf-8')
      response.end(asset?.body ?? html ?? '')
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    browser = await launchChromium()
  })
  afterAll(async () => {
    await browser.close()
    server.close()
  })

  it('are accessible in a narrow dark window and a wide light one', async () => {
    const { page, complaints, close } = await openTab(browser, url)
    const typical = Object.keys(pages.short).filter(isWorthAWholeLook)
    expect(typical).toEqual(expect.arrayContaining(Object.values(ALIKE)))
    for (const name of typical) {
      await page.goto(`${url}/short/${name}`)
      await page.evaluate(OPEN_GUIDES)
      for (const [index, { name: view, viewport, colorScheme }] of VIEWS.entries()) {
        await page.setViewportSize(viewport)
        await page.emulateMedia({ colorScheme })
        const problems = await accessibilityProblems(page, { looksAlone: index > 0 })
        expect({ name, view, problems }).toEqual({ name, view, problems: [] })
        await keepPicture(page, `${name}-${view}`)
      }
    }
    expect(complaints).toEqual([])
    await close()
  }, 300_000)

  it('fit a phone and 200 % zoom with the longest of names, and with every sentence a third longer', async () => {
    const { page, close } = await openTab(browser, url, { deviceScaleFactor: 2 })
    const expectToFit = async (what: object) => {
      for (const viewport of ROOMS) {
        await page.setViewportSize(viewport)
        const overflow = await overflowOf(page)
        expect({ ...what, viewport, overflow }).toEqual({ ...what, viewport, overflow: 0 })
      }
    }
    // Opening a page costs more than looking at it: each is opened once.
    for (const name of Object.keys(pages.long)) {
      await page.goto(`${url}/long/${name}`)
      await page.evaluate(OPEN_GUIDES)
      await expectToFit({ name })
      await page.evaluate(STRETCH_SENTENCES)
      await expectToFit({ name, stretched: true })
    }
    await close()
  }, 300_000)
})
