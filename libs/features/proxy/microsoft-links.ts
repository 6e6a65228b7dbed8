import { sameAddress } from '#domain/providers/mailbox-address.js'
import { invalidField } from '#platform/errors/validation-error.js'
import { providerFailed } from './proxy.errors.js'

/** A page of a thousand events with long texts fits. A link is only known to be none when the page has been read to its end. */
const LARGEST_PAGE_BYTES = 8 * 1024 * 1024
const LINKS = ['@odata.nextLink', '@odata.deltaLink']

/**
 * The page with its links leading through the proxy instead of to Graph, where our token would not be understood and
 * should not be sent. Whatever a link names, it is judged like any other call when it is followed.
 * @param mount where this API begins on our origin, e.g. `https://broker.example/v1/proxy/microsoft/`
 * @throws ValidationError for a page too large to look through; ApiError provider.unavailable for one that is no JSON
 */
export async function withLinksThroughUs(
  body: AsyncIterable<Uint8Array> | Buffer,
  mount: URL,
  mailboxId: string,
): Promise<Buffer> {
  const bytes = Buffer.isBuffer(body) ? body : await readAll(body)
  const page = parsed(bytes)
  const links = LINKS.filter((name) => typeof page[name] === 'string')
  if (links.length === 0) return bytes
  for (const name of links) page[name] = throughUs(page[name] as string, mount, mailboxId)
  return Buffer.from(JSON.stringify(page))
}

/** OData writes the key of a resource in either of two ways: `/users/id` and `/users('id')`. */
function throughUs(link: string, mount: URL, mailboxId: string): string {
  const url = URL.parse(link, mount.href)
  if (!url) throw unreadable()
  const segments = url.pathname
    .replace(/\('([^'/]*)'\)/g, '/$1')
    .split('/')
    .slice(1)
  const own = segments[1] === 'users' && sameAddress(segments[2], mailboxId)
  const path = own ? [segments[0], 'me', ...segments.slice(3)] : segments
  return `${mount}${path.join('/')}${url.search}`
}

async function readAll(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.byteLength
    if (length > LARGEST_PAGE_BYTES)
      throw invalidField(
        '$top',
        'errors.page_too_large',
        'ask for fewer items with $top, or for less of each with $select',
      )
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function parsed(bytes: Buffer): Record<string, unknown> {
  try {
    return Object(JSON.parse(bytes.toString()))
  } catch (cause) {
    throw unreadable(cause)
  }
}

const unreadable = (cause?: unknown) => providerFailed('The provider sent an answer that cannot be read.', { cause })
