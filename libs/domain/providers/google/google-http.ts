import type { Clock } from '#platform/clock/clock.js'
import type { MailboxAnswer, MailboxCall } from '../provider.port.js'
import { NoAnswer, type ProviderAnswer, type ProviderCall, type ProviderHttp } from '../provider-http.js'
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
    const answer = await this.#send(host, path, { ...call, headers: { ...headers, accept: 'application/json' } })
    if (isDone(answer) && typeof answer.json === 'object' && answer.json !== null) return answer.json as T
    throw classifyGoogleAnswer(answer, phase, this.clock.now())
  }

  post<T extends object>(phase: GooglePhase, host: GoogleHost, path: string, form: URLSearchParams | string) {
    return this.call<T>(phase, host, path, formPost(form))
  }

  /** For an answer of which only the status counts. @throws ProviderError */
  async tell(phase: GooglePhase, host: GoogleHost, path: string, form: URLSearchParams): Promise<void> {
    const answer = await this.#send(host, path, formPost(form))
    if (!isDone(answer)) throw classifyGoogleAnswer(answer, phase, this.clock.now())
  }

  /** Any answer, refusals included. */
  pass(host: GoogleHost, call: MailboxCall, token: string): Promise<MailboxAnswer> {
    const credential = { authorization: `Bearer ${token}`, ...this.#hostHeader(host) }
    return this.http.pass(this.#originOf(host), call, credential).catch(unreachable)
  }

  #send(host: GoogleHost, path: string, { headers, ...call }: ProviderCall): Promise<ProviderAnswer> {
    const sent = { ...call, headers: { ...headers, ...this.#hostHeader(host) } }
    return this.http.call(this.#originOf(host) + path, sent).catch(unreachable)
  }

  #originOf(host: GoogleHost): string {
    return this.sandboxUrl?.origin ?? `https://${host}`
  }

  #hostHeader(host: GoogleHost): Record<string, string> {
    return this.sandboxUrl ? { 'x-provider-host': host } : {}
  }
}

const formPost = (form: URLSearchParams | string): ProviderCall => ({
  method: 'POST',
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  body: form.toString(),
})

const isDone = ({ status }: ProviderAnswer) => status >= 200 && status < 300

function unreachable(error: unknown): never {
  if (!(error instanceof NoAnswer)) throw error
  throw googleError('provider.unreachable', { detail: error.message })
}
