import { gaxios } from 'google-auth-library'
import { type Dispatcher, request } from 'undici'

/** By way of the auth library, so that there is one copy: `gaxios` has a second build for importers of its own. */
export type Transport = gaxios.Gaxios
export const { GaxiosError } = gaxios
export type GaxiosError = gaxios.GaxiosError

/**
 * One transporter for token, Calendar and Directory calls. google-auth-library's JWT cannot be pointed anywhere else
 * by configuration, so a stand-in is reached by moving the request here.
 * The broker owns retries: the library's own would ignore `Retry-After`.
 */
export function googleTransport(sandboxUrl: URL | null, dispatcher: Dispatcher, timeoutMs: number): Transport {
  const transport = new gaxios.Gaxios({
    timeout: timeoutMs,
    retryConfig: { retry: 0, noResponseRetries: 0 },
    fetchImplementation: (input, init) => plainFetch(new URL(String(input)), init ?? {}, dispatcher),
  })
  if (sandboxUrl)
    transport.interceptors.request.add({
      resolved: async (call) => {
        const host = call.url.hostname
        if (host.endsWith('.googleapis.com')) {
          call.headers.set('x-provider-host', host)
          call.url.protocol = sandboxUrl.protocol
          call.url.host = sandboxUrl.host
        }
        return call
      },
    })
  return transport
}

/**
 * What gaxios needs of `fetch`, on connections that the streamed reads share. The full one builds streams, signals and
 * header lists around every call, which costs as much again as the call. Redirects are answers here.
 */
async function plainFetch(url: URL, init: RequestInit, dispatcher: Dispatcher): Promise<Response> {
  const sent = new Headers(init.headers)
  if (init.body instanceof URLSearchParams) sent.set('content-type', 'application/x-www-form-urlencoded;charset=UTF-8')
  const answer = await request(url, {
    dispatcher,
    method: (init.method ?? 'GET') as Dispatcher.HttpMethod,
    headers: Object.fromEntries(sent),
    body: init.body === undefined || init.body === null ? null : String(init.body),
    signal: init.signal,
  })
  const headers = Object.entries(answer.headers).flatMap(([name, value]) => [[name, [value ?? ''].flat().join(', ')]])
  const text = await answer.body.text()
  return new Response(text === '' ? null : text, { status: answer.statusCode, headers: headers as [string, string][] })
}
