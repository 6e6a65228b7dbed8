import type { IncomingHttpHeaders } from 'node:http'
import { Readable } from 'node:stream'
import { Agent, type Dispatcher, EnvHttpProxyAgent } from 'undici'
import { BrokerError } from '#platform/errors/broker-error.js'
import { note, traced } from '#platform/observability/tracing.js'
import { PassedAnswer, type ReceivedAnswer } from './passed-answer.js'
import { PROVIDER_CALLS } from './provider.metrics.js'
import type { MailboxAnswer, MailboxCall } from './provider.port.js'

/**
 * Longer than a quiet spell between two batches, so that the next one finds its connections open; the providers keep
 * theirs for minutes. One request at a time on each: behind a slow answer no other has to wait.
 */
const KEEP_ALIVE_MS = 30_000

/** Production calls honour HTTPS_PROXY and NO_PROXY; calls to a stand-in on the loopback must not. */
export function providerDispatcher(sandboxUrl: URL | null, timeoutMs: number): Dispatcher {
  const options = {
    connect: { timeout: timeoutMs },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    pipelining: 1,
    allowH2: false,
  }
  return sandboxUrl ? new Agent(options) : new EnvHttpProxyAgent(options)
}

export interface ProviderCall {
  method?: 'GET' | 'POST'
  headers?: Record<string, string>
  body?: string
}

export interface ProviderAnswer {
  status: number
  headers: Record<string, string>
  /** Undefined when the body is not JSON. */
  json: unknown
}

/** No usable answer at all: refused, reset, timed out. Each provider's code turns it into `provider.unreachable`. */
export class NoAnswer extends Error {}

/** Plain HTTP to one provider: a deadline on everything, no retries, no redirects followed, no error that holds a request. */
export class ProviderHttp {
  constructor(
    private readonly provider: 'google' | 'microsoft',
    private readonly dispatcher: Dispatcher,
    private readonly timeoutMs: number,
  ) {}

  /** @throws NoAnswer */
  call(url: string | URL, call: ProviderCall = {}): Promise<ProviderAnswer> {
    return this.#watched(() => this.#call(new URL(url), call))
  }

  #call({ origin, pathname, search }: URL, { method = 'GET', headers, body }: ProviderCall): Promise<ProviderAnswer> {
    return new Promise((resolve, reject) => {
      const answer = new WholeAnswer(this.timeoutMs, resolve, reject)
      this.dispatcher.dispatch({ origin, path: pathname + search, method, headers, body }, answer)
    })
  }

  /**
   * Sends an admitted call exactly as it is. The deadline is for the first byte and for each pause between bytes, not
   * for the whole: a large calendar may take longer.
   * @throws NoAnswer; whatever the body breaks off with
   */
  pass(origin: string, call: MailboxCall, credential: Record<string, string>): Promise<MailboxAnswer> {
    return this.#watched(() => this.#pass(origin, call, credential))
  }

  async #pass(origin: string, call: MailboxCall, credential: Record<string, string>): Promise<MailboxAnswer> {
    const { method, pathAndQuery: path, signal } = call
    if (!path.startsWith('/')) throw new TypeError('a call of a mailbox needs a path on the API origin')
    const taken = call.takeBody?.()
    const body = taken && Readable.from(taken, { objectMode: false })
    const headers = { ...withoutHopByHop(call.headers), ...credential }
    try {
      const answer = await new Promise<ReceivedAnswer>((resolve, reject) => {
        if (signal?.aborted) throw signal.reason
        this.dispatcher.dispatch({ origin, path, method, headers, body }, new PassedAnswer(resolve, reject, signal))
      })
      return { ...answer, headers: withoutHopByHop(answer.headers) }
    } catch (error) {
      if (error instanceof BrokerError) throw error
      throw new NoAnswer(nameOf(error))
    }
  }

  #watched<Answer extends { status: number }>(ask: () => Promise<Answer>): Promise<Answer> {
    const { provider } = this
    return traced('ask-provider', { kind: 'client', fields: { provider } }, () => this.#timed(ask))
  }

  async #timed<Answer extends { status: number }>(ask: () => Promise<Answer>): Promise<Answer> {
    const begun = performance.now()
    let answered: ReturnType<typeof classOf> = 'none'
    try {
      const answer = await ask()
      answered = classOf(answer.status)
      note({ status: answer.status })
      return answer
    } finally {
      PROVIDER_CALLS.observe({ provider: this.provider, answer: answered }, (performance.now() - begun) / 1000)
    }
  }
}

const classOf = (status: number) =>
  status === 429 ? '429' : (`${Math.floor(status / 100)}xx` as '2xx' | '3xx' | '4xx' | '5xx' | 'none')

/**
 * One answer, collected as it comes in. undici's `request` builds a stream and a signal around each, which costs as much
 * again as the call, and every mailbox is two calls.
 */
class WholeAnswer implements Dispatcher.DispatchHandler {
  readonly #deadline: NodeJS.Timeout
  readonly #chunks: Buffer[] = []
  #call: Dispatcher.DispatchController | null = null
  #late = false
  #status = 0
  #headers: IncomingHttpHeaders = {}

  constructor(
    timeoutMs: number,
    private readonly resolve: (answer: ProviderAnswer) => void,
    private readonly reject: (error: NoAnswer) => void,
  ) {
    this.#deadline = setTimeout(() => this.#giveUp(), timeoutMs).unref()
  }

  onRequestStart(call: Dispatcher.DispatchController): void {
    this.#call = call
    if (this.#late) call.abort(new NoAnswer('TimeoutError'))
  }

  onResponseStart(_call: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    this.#status = status
    this.#headers = headers
  }

  onResponseData(_call: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    clearTimeout(this.#deadline)
    const text = Buffer.concat(this.#chunks).toString()
    this.resolve({ status: this.#status, headers: flat(this.#headers), json: parsed(text) })
  }

  onResponseError(_call: Dispatcher.DispatchController, error: Error): void {
    clearTimeout(this.#deadline)
    this.reject(new NoAnswer(nameOf(error)))
  }

  /** Also where no connection was to be had yet: then the call ends before it has begun. */
  #giveUp(): void {
    this.#late = true
    this.reject(new NoAnswer('TimeoutError'))
    this.#call?.abort(new NoAnswer('TimeoutError'))
  }
}

/** RFC 9110 section 7.6.1, and what must not cross between a caller and a provider whatever it says. */
const NEVER_PASSED_ON = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'authorization',
  'cookie',
  'set-cookie',
  'host',
  'content-length',
  'expect',
  'www-authenticate',
])

export function withoutHopByHop(headers: IncomingHttpHeaders): Record<string, string> {
  const names = Object.keys(headers)
  const connection = names.find((name) => name.toLowerCase() === 'connection')
  const named = connection
    ? joined(headers[connection])
        .toLowerCase()
        .split(',')
        .map((name) => name.trim())
    : []
  const kept: Record<string, string> = {}
  for (const name of names) {
    const lowered = name.toLowerCase()
    if (!NEVER_PASSED_ON.has(lowered) && !named.includes(lowered)) kept[lowered] = joined(headers[name])
  }
  return kept
}

const flat = (headers: IncomingHttpHeaders): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, joined(value)]))

const joined = (value: string | string[] | undefined): string =>
  typeof value === 'string' ? value : (value?.join(', ') ?? '')

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A system error has a telling `code`; a DOMException's is only a number. */
function nameOf(error: unknown): string {
  const { code, name } = error as { code?: unknown; name: string }
  return typeof code === 'string' ? code : name
}
