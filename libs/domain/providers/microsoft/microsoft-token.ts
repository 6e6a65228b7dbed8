import { createPrivateKey, X509Certificate } from 'node:crypto'
import {
  ConfidentialClientApplication,
  type INetworkModule,
  type NetworkRequestOptions,
  type NetworkResponse,
} from '@azure/msal-node'
import { decodeJwt } from 'jose'
import type { Clock } from '#platform/clock/clock.js'
import type { ProviderError } from '#platform/errors/provider-error.js'
import type { MicrosoftCredential, Organisation } from '../provider.port.js'
import type { ProviderCall } from '../provider-http.js'
import type { ProviderTokens } from '../tokens/provider-tokens.js'
import type { MintedToken, Urgency } from '../tokens/wanted-token.js'
import { classifyMicrosoftAnswer, classifyMsalFailure } from './classify-microsoft-failure.js'
import { AUTHORITY, GRAPH_APP_SCOPE, type MicrosoftCloud } from './microsoft-cloud.js'
import { microsoftError } from './microsoft-errors.js'
import type { MicrosoftLogin } from './microsoft-login.js'

/** App-only tokens for Graph: one per organisation, good for every mailbox of it and for no other. */
export class MicrosoftTokens {
  constructor(
    private readonly tokens: ProviderTokens,
    private readonly login: MicrosoftLogin,
    private readonly clock: Clock,
    private readonly cloud: MicrosoftCloud,
  ) {}

  as<T>(organisation: Organisation, urgency: Urgency, call: (token: string) => Promise<T>): Promise<T> {
    const credential = microsoftCredentialOf(organisation)
    const { id, credentialVersion } = organisation
    const wanted = {
      provider: 'microsoft' as const,
      identity: [id, credentialVersion],
      // Microsoft counts an application's calls in each tenant.
      budget: `${credential.clientId} ${id}`,
      urgency,
      mint: () => this.mint(id, credential),
    }
    return this.tokens.use(wanted, call)
  }

  /**
   * A new token, past every cache. MSAL's client is made anew each time, which costs microseconds: a kept one scans
   * all its tenants at each look-up, and answers a throttled tenant from memory without saying so.
   */
  async mint(tenantId: string, credential: MicrosoftCredential): Promise<MintedToken> {
    const network = new MsalNetwork(this.login, this.clock)
    const client = new ConfidentialClientApplication({
      auth: {
        clientId: credential.clientId,
        authority: `${AUTHORITY}/${tenantId}`,
        ...proofOf(credential),
        ...(this.cloud.authorityMetadata && { authorityMetadata: this.cloud.authorityMetadata }),
      },
      system: { networkClient: network },
    })
    const answer = await client
      // Otherwise MSAL takes another token host from the environment (MSAL_FORCE_REGION).
      .acquireTokenByClientCredential({ scopes: [GRAPH_APP_SCOPE], azureRegion: 'DisableMsalForceRegion' })
      .catch((error) => {
        throw network.refusal ?? classifyMsalFailure(error)
      })
    // MSAL takes a refusal without an `error` field for a success with an empty token.
    if (network.refusal) throw network.refusal
    if (!answer?.accessToken || !answer.expiresOn)
      throw microsoftError('provider.unavailable', { detail: 'empty token' })
    refuseOtherTenant(answer.accessToken, tenantId)
    return { token: answer.accessToken, lifetimeMs: answer.expiresOn.getTime() - Date.now() }
  }
}

/** MSAL's way out, with our deadline. Keeps what was refused, because MSAL keeps only parts of it. */
class MsalNetwork implements INetworkModule {
  refusal: ProviderError | null = null

  constructor(
    private readonly login: MicrosoftLogin,
    private readonly clock: Clock,
  ) {}

  sendGetRequestAsync<T>(url: string, options?: NetworkRequestOptions): Promise<NetworkResponse<T>> {
    return this.#send(url, { method: 'GET', headers: options?.headers })
  }

  sendPostRequestAsync<T>(url: string, options?: NetworkRequestOptions): Promise<NetworkResponse<T>> {
    return this.#send(url, { method: 'POST', headers: options?.headers, body: options?.body })
  }

  async #send<T>(url: string, call: ProviderCall): Promise<NetworkResponse<T>> {
    const answer = await this.login.call(url, call).catch((error) => {
      this.refusal = error
      throw error
    })
    if (answer.status !== 200) this.refusal = classifyMicrosoftAnswer(answer, this.clock.now())
    return { status: answer.status, headers: answer.headers, body: (answer.json ?? {}) as T }
  }
}

/** The thumbprint is computed here: one that was typed in, or has colons, silently names no certificate. */
function proofOf({ proof }: MicrosoftCredential) {
  if (proof.kind === 'secret') return { clientSecret: proof.clientSecret.reveal() }
  try {
    const certificate = new X509Certificate(proof.certificatePem)
    const privateKey = proof.privateKey.reveal()
    if (!certificate.checkPrivateKey(createPrivateKey(privateKey))) throw new Error('no match')
    const thumbprintSha256 = certificate.fingerprint256.replaceAll(':', '').toLowerCase()
    return { clientCertificate: { thumbprintSha256, privateKey } }
  } catch {
    throw microsoftError('microsoft.certificate_mismatch', { detail: 'certificate and private key do not match' })
  }
}

/** Belt and braces against a token of one organisation ever being used for another. */
function refuseOtherTenant(token: string, tenantId: string): void {
  try {
    if (String(decodeJwt(token).tid).toLowerCase() === tenantId.toLowerCase()) return
  } catch {
    // Not a JWT: then nothing says whose it is.
  }
  throw microsoftError('microsoft.tenant_mismatch', { detail: 'tid of the access token' })
}

export function microsoftCredentialOf({ credential }: Pick<Organisation, 'credential'>): MicrosoftCredential {
  if (credential.provider !== 'microsoft') throw new TypeError('a Microsoft organisation needs a Microsoft credential')
  return credential
}
