import { type Page, PlainBrowser, visibleText } from '../../apps/demo/plain-browser.js'
import type { ConsentStage, StageClient } from './consent-stage.js'

/** An administrator with a browser that has no scripts, on the way through our pages and the provider's. */
export class ConsentVisit {
  readonly browser: PlainBrowser

  constructor(
    private readonly stage: ConsentStage,
    private readonly client: StageClient,
  ) {
    this.browser = new PlainBrowser(client.redirectUri)
  }

  begin(parameters?: Record<string, string>): Promise<Page> {
    return this.browser.open(this.stage.link(this.client, parameters))
  }

  /** From the instructions to the check. */
  async continueAtGoogle(instructions: Page, email: string): Promise<Page> {
    const accounts = await this.browser.submit(instructions, 'I have added it: sign in and check')
    const consent = await this.browser.submit(accounts, new RegExp(email.replaceAll('.', '\\.')))
    return hasButton(consent, 'Allow') ? this.browser.submit(consent, 'Allow') : consent
  }

  /** From the first page to the check: two screens at Microsoft. */
  async signInAtMicrosoft(email: string): Promise<Page> {
    const permissions = await this.untilPermissionsAtMicrosoft(email)
    return hasButton(permissions, 'Accept') ? this.browser.submit(permissions, 'Accept') : permissions
  }

  async untilPermissionsAtMicrosoft(email: string): Promise<Page> {
    const explanation = await this.browser.submit(await this.begin(), 'Continue with Microsoft 365')
    const account = new RegExp(email.replaceAll('.', '\\.'))
    let page = await this.browser.submit(explanation, 'Go to Microsoft and sign in')
    // Signing in, perhaps a consent to that, and who is there once more on the second screen.
    for (let screens = 0; screens < 3 && page.url.origin === this.stage.sandbox.microsoft.url; screens++) {
      if (page.url.pathname.includes('adminconsent') && hasButton(page, 'Accept')) return page
      page = await this.browser.submit(page, hasButton(page, 'Accept') ? 'Accept' : account)
    }
    return page
  }

  /** From a check that passed to the decision page. */
  goOn(check: Page): Promise<Page> {
    if (!hasButton(check, 'Go on to the decision')) throw new Error(`the check did not pass:\n${textOf(check)}`)
    return this.browser.submit(check, 'Go on to the decision')
  }
}

export const hasButton = ({ document }: Page, label: string) =>
  document.querySelectorAll('button').some((button) => button.structuredText.trim() === label)

export const textOf = ({ document }: Page) => visibleText(document.querySelector('main') ?? document)

/** Outcome by label, as the check page shows it: `['Read events', 'Works']`. */
export const linesOf = ({ document }: Page): [label: string, outcome: string][] =>
  document
    .querySelectorAll('.line-result')
    .map((line) => [
      line.querySelector('.line-label')!.structuredText.trim(),
      line.querySelector('.line-outcome')!.structuredText.trim(),
    ])

/** One delegation entry, as an administrator would add it after reading our page. */
export function addDelegation(
  stage: ConsentStage,
  instructions: Page,
  organisation = 'acme.test',
  leaveOut = '',
): void {
  const value = (id: string) => instructions.document.querySelector(id)!.textContent.trim()
  const scopes = value('#scopes')
    .split(',')
    .filter((scope) => scope !== leaveOut)
  stage.sandbox.google.mutate('add-delegation', { clientId: value('#client-id'), scopes, organisation })
}
