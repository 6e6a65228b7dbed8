import { isIP } from 'node:net'
import { EgressError } from '#platform/errors/egress-error.js'
import { isLocalhostName, isLoopback } from './address-kind.js'
import type { EgressPolicy } from './egress-policy.js'

declare const allowed: unique symbol

/** A URL that passed {@link allowUrl}, the only way to get one. Read-only, so that it stays what was checked. */
export type AllowedUrl = Readonly<URL> & { readonly [allowed]: true }

const MOST_CHARACTERS = 2048

/**
 * Parses a URL that a customer gave us, once: what is checked here is what is dialled. Names are not resolved; their
 * addresses are checked when they are dialled, each time.
 *
 * 1. characters that parsers treat differently  2. the parse itself  3. scheme  4. credentials and fragment  5. port
 * 6. an address written as the host, in any spelling  7. a host that reads differently from what it parses to  8. http
 *
 * @throws EgressError that says what was wrong and what would be right; it does not repeat the URL, which may hold secrets
 */
export function allowUrl(raw: string, policy: EgressPolicy): AllowedUrl {
  refuseAmbiguousCharacters(raw)
  const url = parse(raw)
  refuseScheme(url)
  refuseCredentialsAndFragment(raw)
  refusePort(url)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  refuseAddress(host, policy)
  refuseDisguisedHost(raw, url)
  refuseHttp(url, host, policy)
  return url as unknown as AllowedUrl
}

/** `new URL()` drops tabs and line ends, trims spaces and turns a backslash into a slash; the next parser may not. */
function refuseAmbiguousCharacters(raw: string): void {
  if (raw.length > MOST_CHARACTERS) throw malformed(`The URL is longer than ${MOST_CHARACTERS} characters.`)
  if (/[\p{Z}\p{C}\\]/u.test(raw)) {
    throw malformed('The URL contains a space, a backslash, or a control or invisible character: percent-encode it.')
  }
}

function parse(raw: string): URL {
  const url = URL.parse(raw)
  if (!url) throw malformed('The URL is not a valid absolute URL: write it as https://host/path.')
  return url
}

function refuseScheme(url: URL): void {
  if (url.protocol === 'https:' || url.protocol === 'http:') return
  throw new EgressError(
    'egress.scheme_not_allowed',
    `The URL begins with ${url.protocol.slice(0, 32)}; write https://host/path.`,
  )
}

/** Read from the raw text: the parsed URL forgets an empty user name and an empty fragment. */
function refuseCredentialsAndFragment(raw: string): void {
  if (authorityOf(raw).includes('@')) {
    throw new EgressError(
      'egress.credentials_in_url',
      'The URL holds a user name or password. Leave them out: calls carry a signature to verify instead.',
    )
  }
  if (raw.includes('#')) throw malformed('The URL has a fragment (#…), which never reaches a server: leave it out.')
}

/** Below 1024 live the services that a POST must not be smuggled into: SSH, SMTP, LDAP, SMB. */
function refusePort(url: URL): void {
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80))
  if (port === 80 || port === 443 || port >= 1024) return
  throw new EgressError('egress.port_not_allowed', `Port ${port} is not allowed: use 443, 80, or 1024 and above.`)
}

/** The parser has already turned decimal, octal, hexadecimal, short, Unicode and percent-encoded spellings into one. */
function refuseAddress(host: string, policy: EgressPolicy): void {
  const addresses = isIP(host) ? [host] : isLocalhostName(withoutFinalDot(host)) ? ['127.0.0.1', '::1'] : []
  for (const address of addresses) {
    const refusal = policy.refusalOf(address, host)
    if (!refusal) continue
    throw new EgressError('egress.address_not_allowed', `The URL's host ${host} is ${refusal}; use a public host name.`)
  }
}

/**
 * `https:/host`, `http://0x5db8d70e`, `%65xample.com`, full-width letters, `host.`: harmless with this parser, but a
 * person or another parser reads a different host. IPv6 in brackets has many spellings and only one reading.
 */
function refuseDisguisedHost(raw: string, url: URL): void {
  const written = authorityOf(raw).toLowerCase()
  const reads = url.hostname.startsWith('[')
    ? /^\[[^\]]*\](:\d+)?$/.test(written)
    : written.replace(/:\d+$/, '') === url.hostname && !url.hostname.endsWith('.')
  if (reads) return
  throw malformed(
    `The URL does not name its host plainly: write ${url.protocol}//${withoutFinalDot(url.host)}/ and the path.`,
  )
}

function refuseHttp(url: URL, host: string, policy: EgressPolicy): void {
  if (url.protocol === 'https:' || policy.unsafeAllowHttp) return
  // That loopback is open at all was checked above; nobody but this machine can listen in.
  if (isLocalhostName(host) || (isIP(host) && isLoopback(host))) return
  throw new EgressError(
    'egress.scheme_not_allowed',
    'The URL begins with http://, which anybody on the way can read: use https://.',
  )
}

const authorityOf = (raw: string) => /^[a-z]+:\/\/([^/?#]*)/i.exec(raw)?.[1] ?? ''

const withoutFinalDot = (host: string) => host.replace(/\.$/, '')

const malformed = (publicText: string) => new EgressError('egress.url_malformed', publicText)
