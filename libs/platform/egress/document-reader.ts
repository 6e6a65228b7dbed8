import type { IncomingHttpHeaders } from 'node:http'
import type { Dispatcher } from 'undici'
import { EgressError } from '#platform/errors/egress-error.js'
import { explainFailure } from './explain-failure.js'

export interface EgressDocument {
  status: number
  /** Whole, as text. */
  body: string
}

/**
 * One exchange whose answer is read to be parsed, settled once. Half a document is worse than none, so all that an
 * `AnswerReader` forgives (a body that is too long, drips or breaks off) is a failure here.
 */
export class DocumentReader implements Dispatcher.DispatchHandler {
  readonly #deadline: NodeJS.Timeout
  #controller: Dispatcher.DispatchController | null = null
  #status = 0
  #chunks: Buffer[] = []
  #bytesRead = 0
  #settled = false

  constructor(
    private readonly host: string,
    private readonly mostBytes: number,
    totalTimeoutMs: number,
    private readonly resolve: (document: EgressDocument) => void,
    private readonly reject: (error: EgressError) => void,
  ) {
    this.#deadline = setTimeout(() => {
      const publicText = `${host} did not answer completely within ${totalTimeoutMs / 1000} s.`
      this.#fail(new EgressError('egress.timed_out', publicText))
    }, totalTimeoutMs)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // As in AnswerReader: the deadline passed in the queue for a socket, which is fine.
    if (this.#settled) throw new Error('the deadline passed before the request was sent')
    this.#controller = controller
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200) return // 100, 103: the answer is still to come
    this.#status = status
    // Nothing is unpacked: a few bytes may unpack to gigabytes.
    if (!/^(identity)?$/i.test(String(headers['content-encoding'] ?? '')))
      this.#fail(
        new EgressError('egress.answer_malformed', `${this.host} answered compressed, which was not asked for.`),
      )
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytesRead += chunk.length
    if (this.#bytesRead <= this.mostBytes) return void this.#chunks.push(chunk)
    const most = `${this.mostBytes / 1024} KiB`
    this.#fail(new EgressError('egress.answer_malformed', `${this.host} answered with more than ${most}.`))
  }

  onResponseEnd(): void {
    if (this.#settle()) this.resolve({ status: this.#status, body: Buffer.concat(this.#chunks).toString('utf8') })
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    if (this.#settle()) this.reject(explainFailure(error, this.host))
  }

  #fail(error: EgressError): void {
    if (!this.#settle()) return
    this.reject(error)
    this.#controller?.abort(new Error('the answer is settled'))
  }

  /** Whether this was the first time. */
  #settle(): boolean {
    if (this.#settled) return false
    this.#settled = true
    clearTimeout(this.#deadline)
    return true
  }
}
