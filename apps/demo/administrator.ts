import { type Page, PlainBrowser, visibleText } from './plain-browser.js'

export interface Consent {
  /** The client's link to our consent page. */
  link: string
  /** The client's redirect URI, where the journey ends. */
  redirectUri: string
  administrator: string
}

/** An administrator of a Google Workspace: adds the delegation in the Admin console, signs in, checks, allows. */
export async function authoriseGoogle(
  { link, redirectUri, administrator }: Consent,
  adminConsole: string,
): Promise<URL> {
  const browser = new PlainBrowser(redirectUri)
  const instructions = await browser.submit(await browser.open(link), 'Continue with Google Workspace')
  await browser.submit(await browser.open(adminConsole), 'Authorise', {
    clientId: textOf(instructions, '#client-id'),
    scopes: textOf(instructions, '#scopes'),
  })
  const signIn = await browser.submit(instructions, 'I have added it: sign in and check')
  const sharing = await browser.submit(signIn, new RegExp(administrator))
  // Google asks once whether the address may be shared.
  return decide(browser, has(sharing, 'Allow') ? await browser.submit(sharing, 'Allow') : sharing)
}

/** An administrator of a Microsoft 365 tenant: signs in, grants the permissions on the second screen, checks, allows. */
export async function authoriseMicrosoft({ link, redirectUri, administrator }: Consent): Promise<URL> {
  const browser = new PlainBrowser(redirectUri)
  const explanation = await browser.submit(await browser.open(link), 'Continue with Microsoft 365')
  const signIn = await browser.submit(explanation, 'Go to Microsoft and sign in')
  const afterSignIn = await browser.submit(signIn, new RegExp(administrator))
  // The second screen asks who is there once more.
  const permissions = has(afterSignIn, 'Accept')
    ? afterSignIn
    : await browser.submit(afterSignIn, new RegExp(administrator))
  return decide(browser, await browser.submit(permissions, 'Accept'))
}

async function decide(browser: PlainBrowser, check: Page): Promise<URL> {
  if (!has(check, 'Go on to the decision')) throw new Error(`The check did not pass:\n${visibleText(check.document)}`)
  const decision = await browser.submit(check, 'Go on to the decision')
  const { url } = await browser.submit(decision, /^Allow /)
  return url
}

const has = ({ document }: Page, button: string) =>
  document.querySelectorAll('button, a').some((each) => each.structuredText.trim() === button)

function textOf({ document, url }: Page, selector: string): string {
  const found = document.querySelector(selector)
  if (!found) throw new Error(`${url} shows no ${selector}`)
  return (found.getAttribute('value') ?? found.textContent).trim()
}
