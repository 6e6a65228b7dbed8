import { notAdmitted } from './proxy.errors.js'

/**
 * `"calendar@odata.bind": "https://graph.microsoft.com/v1.0/users/…"` points from what is sent to something else, which the
 * application's token would open. OData 4.01 lets `odata.` be left out, and OData's own reader takes single quotes. No
 * legitimate writer hides letters of such a name behind escapes, nor in UTF-16, which has a NUL beside each of them.
 */
const POINTS_ELSEWHERE = /@odata\.(?:bind|id)\b|@(?:bind|id)["']|\0|\\u00(?:40|2e|4[1-9a-f]|5[0-9a]|6[1-9a-f]|7[0-9a])/i
/** Longer than what is looked for. */
const OVERLAP = 32

/** The body as it comes, which breaks off before it is whole where it points elsewhere: half a JSON text does nothing. */
export async function* refuseBindings(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let before = ''
  for await (const chunk of body) {
    const seen = before + Buffer.from(chunk).toString('latin1')
    if (POINTS_ELSEWHERE.test(seen))
      throw notAdmitted(
        'a binding in the body',
        'The proxy passes JSON in UTF-8 with no @odata.bind and no @odata.id, nor letters as \\u escapes.',
      )
    before = seen.slice(-OVERLAP)
    yield chunk
  }
}
