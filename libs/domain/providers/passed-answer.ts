import type { IncomingHttpHeaders } from 'node:http'
import { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'

/** Nearly every answer is shorter. */
const HELD_BYTES = 64 * 1024

/** Frees the connection of an answer that nobody will read. */
export function discard({ body }: Pick<ReceivedAnswer, 'body'>): void {
  if (!Buffer.isBuffer(body)) body.destroy()
}

export interface ReceivedAnswer {
  status: number
  headers: IncomingHttpHeaders
  /** Whole where it is short. */
  body: Buffer | Readable
}

/**
 * One answer that is passed on. A short one is collected: undici's `request`, which builds a stream and a signal around each,
 * costs as much again as the call. A long one is read as fast as whoever wants it takes it.
 */
export class PassedAnswer implements Dispatcher.DispatchHandler {
  #call: Dispatcher.DispatchController | null = null
  #status = 0
  #headers: IncomingHttpHeaders = {}
  #held: Buffer[] = []
  #length = 0
  #stream: Readable | null = null

  /** @param signal ends it, as far as it has come */
  constructor(
    private readonly resolve: (answer: ReceivedAnswer) => void,
    private readonly reject: (error: Error) => void,
    private readonly signal: AbortSignal | undefined,
  ) {
    signal?.addEventListener('abort', () => this.#giveUp(), { once: true })
  }

  onRequestStart(call: Dispatcher.DispatchController): void {
    this.#call = call
    if (this.signal?.aborted) this.#giveUp()
  }

  onResponseStart(_call: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200) return // 100, 103: the answer is still to come
    this.#status = status
    this.#headers = headers
  }

  onResponseData(call: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#length += chunk.length
    if (this.#stream) {
      if (!this.#stream.push(chunk)) call.pause()
      return
    }
    this.#held.push(chunk)
    if (this.#length > HELD_BYTES) this.#passAsItComes(call)
  }

  onResponseEnd(): void {
    if (this.#stream) this.#stream.push(null)
    else this.#answer(Buffer.concat(this.#held))
  }

  /** With a status there was an answer, however little of it came: whoever reads it is told. */
  onResponseError(call: Dispatcher.DispatchController, error: Error): void {
    if (this.#status === 0) this.reject(error)
    else (this.#stream ?? this.#passAsItComes(call)).destroy(error)
  }

  #answer(body: Buffer | Readable): void {
    this.resolve({ status: this.#status, headers: this.#headers, body })
  }

  #passAsItComes(call: Dispatcher.DispatchController): Readable {
    const stream = new Readable({
      read: () => call.resume(),
      destroy: (error, done) => {
        call.abort(error ?? new Error('nobody reads on'))
        done(error)
      },
    })
    // It may break off before anybody reads.
    stream.on('error', () => {})
    for (const chunk of this.#held.splice(0)) stream.push(chunk)
    this.#stream = stream
    this.#answer(stream)
    return stream
  }

  /** Also where no connection was to be had yet: then the call ends before it has begun. */
  #giveUp(): void {
    this.reject(new DOMException('the call was given up', 'AbortError'))
    this.#call?.abort(new DOMException('the call was given up', 'AbortError'))
  }
}
