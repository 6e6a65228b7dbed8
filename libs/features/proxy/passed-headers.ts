import type { IncomingHttpHeaders } from 'node:http'

/** What a caller may say about a call without changing whose it is or what it does. */
export function headersToProvider(incoming: IncomingHttpHeaders, hasBody = false): Record<string, string> {
  const { 'accept-language': language, 'if-none-match': ifNoneMatch, 'if-match': ifMatch, prefer } = incoming
  const preferences = preferencesIn([prefer ?? ''].flat().join(','))
  return {
    // JSON is all there is to read here, and links in it are only found when it is not compressed.
    accept: 'application/json',
    'accept-encoding': 'identity',
    ...(language && { 'accept-language': language }),
    ...(ifNoneMatch && { 'if-none-match': ifNoneMatch }),
    ...(ifMatch && { 'if-match': ifMatch }),
    ...(hasBody && { 'content-type': 'application/json' }),
    ...(preferences && { prefer: preferences }),
  }
}

const PREFERENCES =
  /^(?:outlook\.timezone|outlook\.body-content-type|odata\.maxpagesize|IdType) *= *"?[\w .:/+()-]*"?$/i

/** A preference that is not known here is ignored, as RFC 7240 section 2 has it. */
const preferencesIn = (header: string) =>
  header
    .split(',')
    .map((preference) => preference.trim())
    .filter((preference) => PREFERENCES.test(preference))
    .join(', ')

/** No `cache-control`: the answer keeps our own `no-store`, since caches on the way have no business with a mailbox. */
const PASSED_BACK = ['content-type', 'etag', 'last-modified', 'preference-applied', 'request-id', 'retry-after']

export function headersToCaller(answered: Readonly<Record<string, string>>): Record<string, string> {
  const passed: Record<string, string> = {}
  for (const name of PASSED_BACK) if (answered[name]) passed[name] = answered[name]
  return passed
}
