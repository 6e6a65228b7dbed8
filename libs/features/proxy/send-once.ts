import { providerFailed } from './proxy.errors.js'

/**
 * What changes something is sent once. Where a kept token turns out to be refused, the next one is there already, and whoever
 * asked decides whether to ask again: the body has gone by, and nothing here is sent twice on anybody's behalf.
 */
export function sendOnce(body: AsyncIterable<Uint8Array> | null): () => AsyncIterable<Uint8Array> | null {
  let sent = false
  return () => {
    if (sent)
      throw providerFailed('The provider refused a token that was kept, and has done nothing. Ask again.', {
        retryAfter: 1,
      })
    sent = true
    return body
  }
}
