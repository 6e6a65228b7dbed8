import Cronofy from 'cronofy'
import type { Delivery } from '../sandbox/receiver/delivery-log.js'

export interface Registration {
  clientId: string
  clientSecret: string
  mandateUrl: string
  callbackUrl: string
}

export interface Mailbox {
  email: string
  provider: 'google' | 'microsoft'
}

export type Outcome =
  | { kind: 'read'; mailbox: Mailbox; events: number }
  | { kind: 'denied'; mailbox: Mailbox; key: string; description: string }
  | { kind: 'unreadable'; mailbox: Mailbox; problem: string; redeemed: boolean }

const BATCH = 50

/** A product that uses Mandate through the vendor's SDK, unmodified: asks for mailboxes, takes codes, reads calendars. */
export class SaasBackend {
  readonly #asked = new Map<string, Mailbox>()

  constructor(private readonly registration: Registration) {}

  async exchange(code: string, redirectUri: string): Promise<Cronofy> {
    const sdk = this.#sdk()
    await sdk.requestAccessToken({ code, redirect_uri: redirectUri })
    return sdk
  }

  /** `state` says which mailbox a callback is about: nothing else in it does. */
  async requestAccess(serviceAccount: Cronofy, mailboxes: readonly Mailbox[]): Promise<void> {
    for (let start = 0; start < mailboxes.length; start += BATCH) {
      const batch = mailboxes.slice(start, start + BATCH)
      for (const mailbox of batch) this.#asked.set(mailbox.email, mailbox)
      await serviceAccount.authorizeWithServiceAccount({
        service_account_authorizations: batch.map(({ email }) => ({
          email,
          callback_url: this.registration.callbackUrl,
          scope: 'read_only',
          state: email,
        })),
      })
    }
  }

  /** What a callback brought, and what came of it. Null for one that is not ours or not signed. */
  async receive({ headers, body }: Pick<Delivery, 'headers' | 'body'>): Promise<Outcome | null> {
    const text = body.toString()
    const hmac = String(headers['cronofy-hmac-sha256'] ?? '')
    if (!this.#sdk().hmacValid({ hmac, body: text })) return null
    const { code, state, error_key, error_description } = JSON.parse(text).authorization
    const mailbox = this.#asked.get(state)
    if (!mailbox) return null
    return code ? this.#use(mailbox, code) : { kind: 'denied', mailbox, key: error_key, description: error_description }
  }

  async #use(mailbox: Mailbox, code: string): Promise<Outcome> {
    let redeemed = false
    try {
      const sdk = await this.exchange(code, this.registration.callbackUrl)
      redeemed = true
      const events = await this.#countEvents(mailbox, sdk.config.access_token ?? '')
      return { kind: 'read', mailbox, events }
    } catch (error) {
      return { kind: 'unreadable', mailbox, problem: String((error as Error).message), redeemed }
    }
  }

  async #countEvents({ email, provider }: Mailbox, accessToken: string): Promise<number> {
    const path =
      provider === 'google'
        ? `google/calendar/v3/calendars/${encodeURIComponent(email)}/events?maxResults=10`
        : 'microsoft/v1.0/me/events?$top=10&$select=id,subject'
    const answer = await fetch(`${this.registration.mandateUrl}/v1/proxy/${path}`, {
      headers: { authorization: `Bearer ${accessToken}` },
    })
    if (!answer.ok) throw new Error(`the proxy answered ${answer.status}: ${(await answer.text()).slice(0, 200)}`)
    const page = (await answer.json()) as { items?: unknown[]; value?: unknown[] }
    return (page.items ?? page.value ?? []).length
  }

  #sdk(): Cronofy {
    const { clientId, clientSecret, mandateUrl } = this.registration
    const sdk = new Cronofy({ client_id: clientId, client_secret: clientSecret })
    sdk.urls.api = mandateUrl
    return sdk
  }
}
