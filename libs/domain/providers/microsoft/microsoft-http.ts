import type { MailboxAnswer, MailboxCall } from '../provider.port.js'
import { NoAnswer, type ProviderAnswer, type ProviderCall, type ProviderHttp } from '../provider-http.js'
import { microsoftError } from './microsoft-errors.js'

/**
 * The way to Microsoft's hosts. Everything is addressed by its real name; a stand-in gets the calls instead, and is told
 * which host was meant, so that a call to the wrong cloud fails there as it would at Microsoft.
 */
export class MicrosoftHttp {
  constructor(
    private readonly http: ProviderHttp,
    private readonly sandboxUrl: URL | null,
  ) {}

  /** @throws ProviderError provider.unreachable */
  call(url: URL, call: ProviderCall = {}): Promise<ProviderAnswer> {
    const { origin, headers } = this.#wayTo(url)
    const headed = { ...call, headers: { ...call.headers, ...headers } }
    return answered(() => this.http.call(new URL(url.pathname + url.search, origin), headed))
  }

  /** @throws ProviderError provider.unreachable */
  pass(host: URL, call: MailboxCall, credential: Record<string, string>): Promise<MailboxAnswer> {
    const { origin, headers } = this.#wayTo(host)
    return answered(() => this.http.pass(origin, call, { ...credential, ...headers }))
  }

  /** Where a browser finds this page: it cannot be told which host is meant. */
  browserUrl(url: URL): URL {
    return this.sandboxUrl ? new URL(url.pathname + url.search, this.sandboxUrl.origin) : url
  }

  #wayTo({ origin, host }: URL): { origin: string; headers: Record<string, string> } {
    if (!this.sandboxUrl) return { origin, headers: {} }
    return { origin: this.sandboxUrl.origin, headers: { 'x-provider-host': host } }
  }
}

async function answered<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error
    throw microsoftError('provider.unreachable', { detail: error.message })
  }
}
