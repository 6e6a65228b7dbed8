import { mkdir } from 'node:fs/promises'
import { AxeBuilder } from '@axe-core/playwright'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { chromiumForTests } from '#platform/testing/machine-for-tests.js'

const ARTEFACTS = new URL('../../artefacts/consent/', import.meta.url)

/** The real thing; where the machine has none, what needs it is left out, and the run says so at its end. */
export const withChromium = chromiumForTests() === null ? describe.skip : describe

export async function launchChromium(): Promise<Browser> {
  await mkdir(ARTEFACTS, { recursive: true })
  return chromium.launch({
    executablePath: chromiumForTests()!,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  })
}

/** A page that remembers what went wrong on pages of `origin`: violations of the content security policy land there. */
export async function openTab(browser: Browser, origin: string, options: BrowserContextOptions = {}) {
  const context = await browser.newContext(options)
  // A wait that fails says for what; the test's own timeout would not.
  context.setDefaultTimeout(60_000)
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' && message.location().url.startsWith(origin)) complaints.push(message.text())
  })
  return { page, complaints, close: () => context.close() }
}

/** Rules about what is seen. All others read the document, which is the same in every view. */
const ABOUT_LOOKS = ['color-contrast', 'target-size', 'link-in-text-block', 'scrollable-region-focusable']

/**
 * What axe finds, as sentences.
 * @param looksAlone in another view of a page that was looked at as a whole: it has axe in it by then
 */
export async function accessibilityProblems(page: Page, { looksAlone = false } = {}): Promise<string[]> {
  // Its other mode opens a page of its own for each result, for the sake of frames; we have none.
  const axe = new AxeBuilder({ page, ...(looksAlone && { axeSource: ';' }) }).setLegacyMode()
  const { violations } = await (looksAlone ? axe.withRules(ABOUT_LOOKS) : axe).analyze()
  return violations.map(
    ({ id, help, nodes }) => `${id}: ${help} (${nodes.map(({ html }) => html.slice(0, 80)).join(' | ')})`,
  )
}

/** Kept by CI; for people to look at. */
export const keepPicture = (page: Page, name: string) =>
  page.screenshot({ path: new URL(`${name}.png`, ARTEFACTS).pathname, fullPage: true })

/** How many pixels of the page are out of sight to the right. */
export const overflowOf = (page: Page) =>
  page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth') as Promise<number>
