import type { IncomingHttpHeaders } from 'node:http'
import type { Dispatcher } from 'undici'
import { EgressError } from '#platform/errors/egress-error.js'
import { explainFailure } from './explain-failure.js'

export interface EgressAnswer {
  status: number
  /** Names in lower case; a repeated header is joined by commas. */
  headers: Readonly<Record<string, string>>
  /** The first 4 KiB as text, for a person to look at: safe to store and print, not to parse. */
  bodyExcerpt: string
  milliseconds: number
}

const MOST_BYTES_READ = 64 * 1024
const MOST_BYTES_KEPT = 4 * 1024

/**
 * One exchange, settled once: by the end of the answer, by its 64th KiB, by the deadline, or by a failure. The status
 * decides. Once it and its headers are here the receiver has spoken, and a body that drips, never ends or breaks off
 * changes nothing: reporting a 200 as a failure would only POST again what was taken already.
 */
export class AnswerReader implements Dispatcher.DispatchHandler {
  readonly #started = performance.now()
  readonly #deadline: NodeJS.Timeout
  #controller: Dispatcher.DispatchController | null = null
  #status: number | null = null
  #headers: Readonly<Record<string, string>> = {}
  #kept: Buffer[] = []
  #bytesRead = 0
  #settled = false

  constructor(
    private readonly host: string,
    totalTimeoutMs: number,
    private readonly resolve: (answer: EgressAnswer) => void,
    private readonly reject: (error: EgressError) => void,
  ) {
    this.#deadline = setTimeout(() => {
      this.#settle(new EgressError('egress.timed_out', `${host} did not answer within ${totalTimeoutMs / 1000} s.`))
      this.#hangUp()
    }, totalTimeoutMs)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // The deadline passed in the queue for a socket. Thrown and not aborted: the socket is fine, and nothing was sent.
    if (this.#settled) throw new Error('the deadline passed before the request was sent')
    this.#controller = controller
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200) return // 100, 103: the answer is still to come
    this.#status = status
    this.#headers = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#bytesRead < MOST_BYTES_KEPT) this.#kept.push(chunk.subarray(0, MOST_BYTES_KEPT - this.#bytesRead))
    this.#bytesRead += chunk.length
    if (this.#bytesRead < MOST_BYTES_READ) return
    this.#settle()
    this.#hangUp()
  }

  onResponseEnd(): void {
    this.#settle()
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    this.#settle(explainFailure(error, this.host))
  }

  #settle(failure?: EgressError): void {
    if (this.#settled) return
    this.#settled = true
    clearTimeout(this.#deadline)
    if (this.#status === null) {
      this.reject(failure!) // without a status there was no answer that could have ended
    } else {
      this.resolve({
        status: this.#status,
        headers: this.#headers,
        bodyExcerpt: excerptOf(Buffer.concat(this.#kept), this.#headers['content-encoding']),
        milliseconds: Math.round(performance.now() - this.#started),
      })
    }
  }

  #hangUp(): void {
    this.#controller?.abort(new Error('the answer is settled'))
  }
}

/** Nothing is unpacked (a few bytes may unpack to gigabytes), and no byte is left that a terminal or a database minds. */
function excerptOf(body: Buffer, encoding = 'identity'): string {
  if (encoding !== 'identity' && body.length > 0) return '[compressed]'
  return body.toString('utf8').replace(/(?![\n\t])[\p{C}\uFFFD]/gu, '?')
}
