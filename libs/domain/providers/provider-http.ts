import { Agent, type Dispatcher, EnvHttpProxyAgent, request } from 'undici'
import type { ProviderRead, ProviderReadAnswer } from './provider.port.js'

/** Production calls honour HTTPS_PROXY and NO_PROXY; calls to a stand-in on the loopback must not. */
export function providerDispatcher(sandboxUrl: URL | null, timeoutMs: number): Dispatcher {
  const options = { connect: { timeout: timeoutMs }, headersTimeout: timeoutMs, bodyTimeout: timeoutMs, allowH2: false }
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

export interface StreamedAnswer extends ProviderReadAnswer {
  /** Frees the connection of an answer that nobody will read. */
  discard(): Promise<void>
}

/** Plain HTTP to one provider: a deadline on everything, no retries, no redirects followed, no error that holds a request. */
export class ProviderHttp {
  constructor(
    private readonly dispatcher: Dispatcher,
    private readonly timeoutMs: number,
  ) {}

  /** @throws NoAnswer */
  async call(url: string | URL, { method = 'GET', headers, body }: ProviderCall = {}): Promise<ProviderAnswer> {
    try {
      const signal = AbortSignal.timeout(this.timeoutMs)
      const answer = await request(url, { dispatcher: this.dispatcher, method, headers, body, signal })
      const text = await answer.body.text()
      return { status: answer.statusCode, headers: flat(answer.headers), json: parsed(text) }
    } catch (error) {
      throw new NoAnswer(nameOf(error))
    }
  }

  /**
   * Sends an admitted read exactly as it is. The deadline is for the first byte and for each pause between bytes, not
   * for the whole: a large calendar may take longer.
   * @throws NoAnswer
   */
  async read(origin: string, read: ProviderRead, credential: Record<string, string>): Promise<StreamedAnswer> {
    if (!read.pathAndQuery.startsWith('/')) throw new TypeError('a provider read needs a path on the API origin')
    try {
      const answer = await this.dispatcher.request({
        origin,
        path: read.pathAndQuery,
        method: 'GET',
        headers: { ...withoutHopByHop(read.headers), ...credential },
        signal: read.signal,
      })
      return {
        status: answer.statusCode,
        headers: withoutHopByHop(flat(answer.headers)),
        body: answer.body,
        discard: () => answer.body.dump(),
      }
    } catch (error) {
      throw new NoAnswer(nameOf(error))
    }
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

export function withoutHopByHop(headers: Record<string, string>): Record<string, string> {
  const lowered = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const)
  const named =
    lowered
      .find(([name]) => name === 'connection')?.[1]
      .toLowerCase()
      .split(',') ?? []
  const dropped = new Set([...NEVER_PASSED_ON, ...named.map((name) => name.trim())])
  return Object.fromEntries(lowered.filter(([name]) => !dropped.has(name)))
}

const flat = (headers: Record<string, string | string[] | undefined>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value ?? ''].flat().join(', ')]))

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
