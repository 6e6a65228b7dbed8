import type { Clock } from '#platform/clock/clock.js'
import type { ProviderRead } from '../provider.port.js'
import { NoAnswer, type ProviderCall, type ProviderHttp, type StreamedAnswer } from '../provider-http.js'
import { classifyGoogleAnswer, type GooglePhase } from './classify-google-failure.js'
import { googleError } from './google-errors.js'

export type GoogleHost =
  | 'oauth2.googleapis.com'
  | 'openidconnect.googleapis.com'
  | 'www.googleapis.com'
  | 'admin.googleapis.com'
  | 'iamcredentials.googleapis.com'

/** Google's hosts, or the stand-in, which has all of them on one origin. Whatever fails leaves here classified. */
export class GoogleHttp {
  constructor(
    private readonly http: ProviderHttp,
    private readonly clock: Clock,
    private readonly sandboxUrl: URL | null,
  ) {}

  /**
   * The JSON of an answer that is none of Google's refusals.
   * @throws ProviderError
   */
  async call<T extends object>(
    phase: GooglePhase,
    host: GoogleHost,
    path: string,
    { headers, ...call }: ProviderCall = {},
  ): Promise<T> {
    const sent = { ...headers, accept: 'application/json', ...this.#hostHeader(host) }
    const answer = await this.http.call(this.#originOf(host) + path, { ...call, headers: sent }).catch(unreachable)
    const { status, json } = answer
    if (status >= 200 && status < 300 && typeof json === 'object' && json !== null) return json as T
    throw classifyGoogleAnswer(answer, phase, this.clock.now())
  }

  post<T extends object>(phase: GooglePhase, host: GoogleHost, path: string, form: URLSearchParams | string) {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    return this.call<T>(phase, host, path, { method: 'POST', headers, body: form.toString() })
  }

  /** Any answer, refusals included. */
  read(host: GoogleHost, read: ProviderRead, token: string): Promise<StreamedAnswer> {
    const credential = { authorization: `Bearer ${token}`, ...this.#hostHeader(host) }
    return this.http.read(this.#originOf(host), read, credential).catch(unreachable)
  }

  #originOf(host: GoogleHost): string {
    return this.sandboxUrl?.origin ?? `https://${host}`
  }

  #hostHeader(host: GoogleHost): Record<string, string> {
    return this.sandboxUrl ? { 'x-provider-host': host } : {}
  }
}

function unreachable(error: unknown): never {
  if (!(error instanceof NoAnswer)) throw error
  throw googleError('provider.unreachable', { detail: error.message })
}
