import { until } from '#platform/testing/until.js'
import { authoriseGoogle, authoriseMicrosoft } from '../../apps/demo/administrator.js'
import { ADMIN_CONSOLE } from '../../apps/sandbox/google/admin-console.routes.js'
import type { Sandbox } from '../../apps/sandbox/sandbox.js'
import type { OperatorCredentials } from '../../apps/sandbox/seed/default-seed.js'

export const REDIRECT_URI = 'https://scheduler.test/connected'

/** The organisations of the default seed, and who may authorise each. */
const ORGANISATIONS = {
  acme: { provider: 'google', domain: 'acme.test' },
  globex: { provider: 'google', domain: 'globex.test' },
  initech: { provider: 'microsoft', domain: 'initech.test' },
  umbrella: { provider: 'microsoft', domain: 'umbrella.test' },
} as const
export type OrganisationName = keyof typeof ORGANISATIONS

export interface Client {
  id: string
  secret: string
  signingSecret: string
}

export interface ServiceAccount {
  id: string
  client: Client
  accessToken: string
  refreshToken: string
}

export interface Answer {
  status: number
  headers: Headers
  text: string
  // biome-ignore lint/suspicious/noExplicitAny: JSON of every route
  json: any
}

export interface Asked {
  token?: string | undefined
  json?: unknown
  form?: URLSearchParams | Record<string, string>
  headers?: Record<string, string>
}

const SECRET_NAME = /^code$|token|secret/

/** Mandate as it is seen from outside, with what clients, the operator and administrators do there. */
export class PublicApi {
  /** Every secret that went over the wire, for where it must not turn up. */
  readonly secrets = new Set<string>()

  constructor(
    readonly url: string,
    readonly adminKey: string,
    private readonly sandbox: Sandbox,
  ) {}

  async call(method: string, path: string, { token, json, form, headers = {} }: Asked = {}): Promise<Answer> {
    const answer = await fetch(this.url + path, {
      method,
      redirect: 'manual',
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(json === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: form ? new URLSearchParams(form) : typeof json === 'string' ? json : JSON.stringify(json),
    })
    const text = await answer.text()
    const isJson = answer.headers.get('content-type')?.includes('json') && text !== ''
    const answered = {
      status: answer.status,
      headers: answer.headers,
      text,
      json: isJson ? JSON.parse(text) : undefined,
    }
    this.#noteSecrets(json, form, answered.json, { token })
    return answered
  }

  #noteSecrets(...bodies: unknown[]): void {
    for (const body of bodies)
      for (const [name, value] of Object.entries(
        body instanceof URLSearchParams ? Object.fromEntries(body) : (body ?? {}),
      ))
        if (SECRET_NAME.test(name) && typeof value === 'string' && value.length >= 20) this.secrets.add(value)
  }

  /** @throws unless it is answered with 2xx */
  async must(method: string, path: string, asked?: Asked): Promise<Answer['json']> {
    const { status, text, json } = await this.call(method, path, asked)
    if (status >= 300) throw new Error(`${method} ${path} was answered with ${status}: ${text}`)
    return json
  }

  /** What an operator asks over /admin/v1. */
  asAdmin(method: string, path: string, asked: Omit<Asked, 'token'> = {}): Promise<Answer> {
    return this.call(method, path, { ...asked, token: this.adminKey })
  }

  async setOperatorCredentials({ googleKeyFile, googleClient, microsoftApp }: OperatorCredentials): Promise<void> {
    const { clientId: oauth_client_id, clientSecret: oauth_client_secret } = googleClient
    const { clientId: client_id, clientSecret: client_secret } = microsoftApp
    const google = { key_file: googleKeyFile, oauth_client_id, oauth_client_secret }
    await this.must('PUT', '/admin/v1/providers/google', { token: this.adminKey, json: google })
    await this.must('PUT', '/admin/v1/providers/microsoft', {
      token: this.adminKey,
      json: { client_id, client_secret },
    })
  }

  async addClient(name: string): Promise<Client> {
    const json = { name, redirect_uris: [REDIRECT_URI], callback_origins: [this.sandbox.receiver.url] }
    const added = await this.must('POST', '/admin/v1/clients', { token: this.adminKey, json })
    return { id: added.client_id, secret: added.client_secret, signingSecret: added.signing_secret }
  }

  /** @returns the same client with its new secret; the one before works on for a day */
  async rotateSecret(client: Client): Promise<Client> {
    const rotated = await this.must('POST', `/admin/v1/clients/${client.id}/secrets`, { token: this.adminKey })
    return { ...client, secret: rotated.client_secret }
  }

  /** What `/admin/v1/audit…` answers once it is complete until now: a chain that a process is busy with is not waited for there. */
  audit(path: string): Promise<Answer['json']> {
    const now = new Date().toISOString()
    return until('the audit to be complete', async () => {
      const answer = await this.must('GET', `/admin/v1/audit/${path}`, { token: this.adminKey })
      return !(answer.complete_until < now) && answer
    })
  }

  disable({ id }: Client): Promise<Answer> {
    return this.call('POST', `/admin/v1/clients/${id}/disable`, { token: this.adminKey })
  }

  /** An administrator goes through the pages and allows. @returns where the browser is sent in the end, with the code */
  async consent(client: Client, to: OrganisationName, parameters: Record<string, string> = {}): Promise<URL> {
    const query = new URLSearchParams({
      response_type: 'code',
      client_id: client.id,
      redirect_uri: REDIRECT_URI,
      scope: 'service_account/accounts/manage service_account/resources/manage',
      delegated_scope: 'read_only',
      state: 'from-the-client',
      ...parameters,
    })
    return this.consentAt(new URL(`${this.url}/enterprise_connect/oauth/authorize?${query}`), to)
  }

  /** The same by a link that somebody else has made. */
  async consentAt({ href: link }: URL, to: OrganisationName): Promise<URL> {
    const { provider, domain } = ORGANISATIONS[to]
    const visit = { link, redirectUri: REDIRECT_URI, administrator: `admin@${domain}` }
    if (provider === 'microsoft') return authoriseMicrosoft(visit)
    return authoriseGoogle(visit, `${this.sandbox.google.url}${ADMIN_CONSOLE}?organisation=${domain}`)
  }

  async authorise(client: Client, to: OrganisationName, parameters?: Record<string, string>): Promise<ServiceAccount> {
    const returned = await this.consent(client, to, parameters)
    const { status, json, text } = await this.exchange(client, returned.searchParams.get('code') ?? '', REDIRECT_URI)
    if (status !== 200) throw new Error(`the code of ${to} was not exchanged: ${text}`)
    const { service_account_id, access_token, refresh_token } = json
    return { id: service_account_id, client, accessToken: access_token, refreshToken: refresh_token }
  }

  exchange({ id, secret }: Client, code: string, redirect_uri: string): Promise<Answer> {
    const json = { client_id: id, client_secret: secret, grant_type: 'authorization_code', code, redirect_uri }
    return this.call('POST', '/oauth/token', { json })
  }

  refresh({ id, secret }: Client, refresh_token: string): Promise<Answer> {
    const json = { client_id: id, client_secret: secret, grant_type: 'refresh_token', refresh_token }
    return this.call('POST', '/oauth/token', { json })
  }

  revoke({ id, secret }: Client, what: Record<string, string>): Promise<Answer> {
    return this.call('POST', '/oauth/token/revoke', { json: { client_id: id, client_secret: secret, ...what } })
  }
}
