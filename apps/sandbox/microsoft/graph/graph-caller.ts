import type { StandIn } from '../../core/stand-in.js'
import type { MicrosoftAppCredentials } from '../default-seed.js'
import { PageWalker } from '../page-walker.js'

export interface GraphAnswer {
  status: number
  headers: Headers
  body: Record<string, unknown> & { value?: Record<string, unknown>[]; '@odata.nextLink'?: string }
  /** `error.code`, where there is one. */
  code: string | undefined
}

/** Plain calls with fetch, for the sandbox's own tests of Graph. */
export class GraphCaller {
  constructor(
    private readonly standIn: StandIn,
    private readonly app: MicrosoftAppCredentials,
  ) {}

  /** An app-only bearer. */
  async appToken(tenant: string): Promise<string> {
    const scope = 'https://graph.microsoft.com/.default'
    return this.#token(tenant, { grant_type: 'client_credentials', scope })
  }

  /** A person's bearer, after they have signed in on the page. */
  async userToken(upn: string, scope: string): Promise<string> {
    const redirect_uri = 'http://127.0.0.1:1/return'
    const { clientId: client_id } = this.app
    const query = new URLSearchParams({ client_id, response_type: 'code', redirect_uri, scope })
    const browser = await new PageWalker().open(`${this.standIn.url}/organizations/oauth2/v2.0/authorize?${query}`)
    await browser.press('Next', { account: upn })
    const code = browser.location?.searchParams.get('code') ?? ''
    return this.#token('organizations', { grant_type: 'authorization_code', code, redirect_uri })
  }

  /** @param path below `/v1.0`, or a whole link to the next page */
  async call(bearer: string, path: string, init: RequestInit = {}): Promise<GraphAnswer> {
    const url = path.startsWith('http') ? path : `${this.standIn.url}/v1.0${path}`
    const answer = await fetch(url, { ...init, headers: { authorization: `Bearer ${bearer}`, ...init.headers } })
    const body = (await answer.json()) as GraphAnswer['body'] & { error?: { code: string } }
    return { status: answer.status, headers: answer.headers, body, code: body.error?.code }
  }

  post(bearer: string, path: string, body: object): Promise<GraphAnswer> {
    return this.call(bearer, path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  }

  async #token(tenant: string, form: Record<string, string>): Promise<string> {
    const body = new URLSearchParams({ client_id: this.app.clientId, client_secret: this.app.clientSecret, ...form })
    const answer = await fetch(`${this.standIn.url}/${tenant}/oauth2/v2.0/token`, { method: 'POST', body })
    const { access_token, error_description } = (await answer.json()) as Record<string, string>
    if (!access_token) throw new Error(error_description)
    return access_token
  }
}
