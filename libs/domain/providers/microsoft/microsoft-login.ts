import type { Clock } from '#platform/clock/clock.js'
import { ProviderError } from '#platform/errors/provider-error.js'
import type { MicrosoftCredential } from '../provider.port.js'
import type { ProviderAnswer } from '../provider-http.js'
import { classifyMicrosoftAnswer } from './classify-microsoft-failure.js'
import { clientProof } from './client-proof.js'
import { type CloudClaims, cloudOf, LOGIN_ORIGINS, type MicrosoftCloud } from './microsoft-cloud.js'
import { microsoftError } from './microsoft-errors.js'
import type { MicrosoftHttp } from './microsoft-http.js'

export interface Tenant {
  id: string
  cloud: MicrosoftCloud
  issuer: string
  jwksUri: URL
}

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export const isGuid = (text: string) => GUID.test(text)

interface DiscoveryDocument extends CloudClaims {
  issuer?: string
}

/** The sign-in half of Microsoft, by plain HTTP: what MSAL would do here and what it would cost is in ADR 0014. */
export class MicrosoftLogin {
  constructor(
    private readonly http: MicrosoftHttp,
    private readonly clock: Clock,
  ) {}

  /**
   * The tenant behind a GUID or a domain, wherever it lies. Only the GUID is ever stored: a domain may move to another
   * tenant. The global cloud knows the tenants of some others, so it is asked first.
   * @param origins where to look; a tenant that an app registration serves is known where the registration is
   * @throws ProviderError microsoft.tenant_not_found, microsoft.wrong_cloud
   */
  async discover(guidOrDomain: string, origins: readonly string[] = LOGIN_ORIGINS): Promise<Tenant> {
    const [origin, ...others] = origins
    try {
      return await this.#discoverAt(origin!, guidOrDomain)
    } catch (error) {
      const unknownHere = error instanceof ProviderError && error.code === 'microsoft.tenant_not_found'
      if (!unknownHere || others.length === 0) throw error
      return this.discover(guidOrDomain, others)
    }
  }

  async #discoverAt(origin: string, guidOrDomain: string): Promise<Tenant> {
    const answer = await this.http.call(
      new URL(`/${encodeURIComponent(guidOrDomain)}/v2.0/.well-known/openid-configuration`, origin),
    )
    const document = (answer.json ?? {}) as DiscoveryDocument
    const id = document.issuer?.split('/').find(isGuid)?.toLowerCase()
    if (answer.status !== 200 || !id) throw classifyMicrosoftAnswer(answer, this.clock.now())
    const cloud = cloudOf(document)
    if (!cloud) throw microsoftError('microsoft.wrong_cloud', { detail: 'a cloud that is not known here' })
    return {
      id,
      cloud,
      issuer: `${cloud.login}/${id}/v2.0`,
      jwksUri: new URL(`/${id}/discovery/v2.0/keys`, cloud.login),
    }
  }

  keys({ jwksUri }: Tenant): Promise<ProviderAnswer> {
    return this.http.call(jwksUri)
  }

  /**
   * Asks the token endpoint, and proves which application is asking.
   * @param tenant GUID, or `organizations`
   */
  async askForTokens(
    cloud: MicrosoftCloud,
    tenant: string,
    credential: MicrosoftCredential,
    grant: Record<string, string>,
  ): Promise<ProviderAnswer> {
    const url = new URL(`/${tenant}/oauth2/v2.0/token`, cloud.login)
    const proof = await clientProof(credential, url.href, this.clock.now())
    return this.http.call(url, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
      body: new URLSearchParams({ client_id: credential.clientId, ...grant, ...proof }).toString(),
    })
  }
}
