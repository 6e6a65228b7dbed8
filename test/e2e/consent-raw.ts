import type { ConsentStage, StageClient } from './consent-stage.js'
import { addDelegation, ConsentVisit } from './consent-visit.js'

export interface RawVisit {
  /** `/enterprise_connect/consents/con_…` */
  path: string
  cookie: string
  setCookie: string
}

/** Requests by hand, for what no browser would send. */
export class RawConsent {
  constructor(
    private readonly stage: ConsentStage,
    private readonly client: StageClient,
  ) {}

  get(path: string, cookie = '', headers: Record<string, string> = {}): Promise<Response> {
    const sent = { ...headers, ...(cookie ? { cookie } : {}) }
    return fetch(new URL(path, this.stage.url), { redirect: 'manual', headers: sent })
  }

  post(path: string, cookie: string, form: Record<string, string>, headers: Record<string, string> = {}) {
    return fetch(new URL(path, this.stage.url), {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie, ...headers },
      body: new URLSearchParams(form),
    })
  }

  async begin(): Promise<RawVisit> {
    const answer = await this.get(this.stage.link(this.client))
    const [setCookie = ''] = answer.headers.getSetCookie()
    return { path: answer.headers.get('location')!, cookie: setCookie.split(';')[0]!, setCookie }
  }

  async csrfOf({ path, cookie }: { path: string; cookie: string }): Promise<string> {
    return csrfIn(await (await this.get(path, cookie)).text())
  }

  /** From the first page to the address with which Google sends the browser back. */
  async untilReturnFromGoogle({ path, cookie }: RawVisit): Promise<string> {
    await this.post(`${path}/provider`, cookie, { csrf: await this.csrfOf({ path, cookie }), way: 'google:operator' })
    const csrf = await this.csrfOf({ path: `${path}/prepare`, cookie })
    const toGoogle = await this.post(`${path}/sign-in`, cookie, { csrf })
    return this.#signInAtGoogle(toGoogle.headers.get('location')!)
  }

  async #signInAtGoogle(authorize: string): Promise<string> {
    const at = (path: string, form: Record<string, string>) =>
      fetch(new URL(path, this.stage.sandbox.google.url), {
        method: 'POST',
        redirect: 'manual',
        body: new URLSearchParams(form),
      })
    const { request = '' } = hiddenIn(await (await fetch(authorize)).text())
    let answer = await at('/o/oauth2/v2/auth/account', { request, email: 'admin@acme.test' })
    // A first sign-in is asked for consent, a later one is not.
    if (!answer.headers.get('location'))
      answer = await at('/o/oauth2/v2/auth/consent', { ...hiddenIn(await answer.text()), decision: 'allow' })
    return answer.headers.get('location')!
  }

  /** A browser on the decision page. */
  async untilDecision(parameters?: Record<string, string>) {
    const visit = new ConsentVisit(this.stage, this.client)
    const instructions = await visit.browser.submit(await visit.begin(parameters), 'Continue with Google Workspace')
    addDelegation(this.stage, instructions)
    const decision = await visit.goOn(await visit.continueAtGoogle(instructions, 'admin@acme.test'))
    const path = decision.url.pathname.replace(/\/decide$/, '')
    return { visit, decision, path, id: path.split('/').at(-1)! }
  }
}

const csrfIn = (html: string) => /name="csrf" value="([^"]+)"/.exec(html)![1]!

const hiddenIn = (html: string): Record<string, string> =>
  Object.fromEntries(
    [...html.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)"/g)].map(([, name, value]) => [
      name!,
      value!.replaceAll('&amp;', '&'),
    ]),
  )
