import type { Clock } from '#platform/clock/clock.js'
import { NoAnswer, type ProviderAnswer, type ProviderCall, type ProviderHttp } from '../provider-http.js'
import { classifyMicrosoftAnswer } from './classify-microsoft-failure.js'
import type { MicrosoftCloud } from './microsoft-cloud.js'
import { microsoftError } from './microsoft-errors.js'

export interface Tenant {
  id: string
  issuer: string
  jwksUri: string
}

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export const isGuid = (text: string) => GUID.test(text)

/** The sign-in half of Microsoft, as far as MSAL is not needed for it. */
export class MicrosoftLogin {
  constructor(
    private readonly http: ProviderHttp,
    private readonly clock: Clock,
    private readonly cloud: MicrosoftCloud,
  ) {}

  /** The tenant behind a GUID or a domain. Only the GUID is ever stored: a domain may move to another tenant. */
  async discover(guidOrDomain: string): Promise<Tenant> {
    const answer = await this.call(`/${encodeURIComponent(guidOrDomain)}/v2.0/.well-known/openid-configuration`)
    const { issuer, jwks_uri } = (answer.json ?? {}) as { issuer?: string; jwks_uri?: string }
    const id = issuer?.split('/').find(isGuid)?.toLowerCase()
    if (answer.status !== 200 || !issuer || !jwks_uri || !id) throw classifyMicrosoftAnswer(answer, this.clock.now())
    return { id, issuer, jwksUri: jwks_uri }
  }

  redeemCode(form: URLSearchParams): Promise<ProviderAnswer> {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    return this.call('/organizations/oauth2/v2.0/token', { method: 'POST', headers, body: form.toString() })
  }

  /** @param url on the login origin, or as Microsoft named it in its own discovery document */
  async call(url: string, call?: ProviderCall): Promise<ProviderAnswer> {
    try {
      return await this.http.call(new URL(url, this.cloud.login), call)
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error
      throw microsoftError('provider.unreachable', { detail: error.message })
    }
  }
}
