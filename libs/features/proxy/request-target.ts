import { notAdmitted } from './proxy.errors.js'

/** What a caller asks for. The segments of the path are as they were written; nothing is decoded or resolved in them. */
export interface RequestTarget {
  segments: readonly string[]
  options: readonly (readonly [name: string, value: string])[]
}

/**
 * Cuts the target of the request line, which has to be the raw one: in a path that a framework has decoded, a slash
 * that was written `%2F` can no longer be told from a slash.
 * @param mount where the provider's API begins, e.g. `/v1/proxy/google/`
 * @throws ApiError not_admitted
 */
export function cutTarget(target: string, mount: string): RequestTarget {
  if (!/^[\x21-\x7e]*$/.test(target))
    throw notAdmitted(
      'not printable ASCII',
      'Percent-encode (RFC 3986 section 2.1) everything that is not plain ASCII.',
    )
  // A router also takes `/v1/%70roxy/…` and `http://host/v1/proxy/…` for this address.
  if (!target.startsWith(mount))
    throw notAdmitted('not under the mount', `Write the path as ${mount}…, letter by letter.`)
  const [path = '', query = ''] = target.slice(mount.length).split(/\?(.*)/s)
  return { segments: path.split('/'), options: query.split('&').filter(Boolean).map(optionOf) }
}

function optionOf(pair: string): [string, string] {
  const [name = '', value = ''] = pair.split(/=(.*)/s)
  return [decodeOnce(name.replaceAll('+', ' ')), decodeOnce(value.replaceAll('+', ' '))]
}

/** @throws ApiError not_admitted for what is no percent-encoded UTF-8: `%`, `%zz`, `%c0%ae` */
export function decodeOnce(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw notAdmitted('broken percent-encoding', 'The percent-encoding of the path or of the query is broken.')
  }
}
