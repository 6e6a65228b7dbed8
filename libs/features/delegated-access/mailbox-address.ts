import { domainToASCII } from 'node:url'

const LOCAL_PART = /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/
/** Letters, digits, hyphens and the four dots of IDNA (RFC 3490 section 3.1), in any script. */
const WRITTEN_DOMAIN = /^[\p{L}\p{M}\p{N}.\u3002\uff0e\uff61-]+$/u
const DOMAIN = /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/

/**
 * The one spelling of an address by which two requests are seen to mean one mailbox: lower case, the domain in its
 * ASCII form. Null for anything that is not one plain address. Neither provider gives mailboxes quoted local parts or
 * letters outside ASCII, so those are refused instead of being folded into somebody else's address.
 */
export function canonicalAddress(text: string): string | null {
  const at = text.lastIndexOf('@')
  const [local, domain] = [text.slice(0, at), text.slice(at + 1)]
  // Lower-casing must not turn a foreign letter into ASCII (the Kelvin sign becomes k).
  if (at < 1 || /[^\x21-\x7e]/.test(local)) return null
  // domainToASCII reads like a URL: it ends at a slash, decodes percent signs, and drops tabs, line ends and invisibles.
  if (!WRITTEN_DOMAIN.test(domain)) return null
  const address = `${local.toLowerCase()}@${domainToASCII(domain)}`
  const [canonicalLocal = '', canonicalDomain = ''] = address.split('@')
  const plain = LOCAL_PART.test(canonicalLocal) && canonicalLocal.length <= 64 && DOMAIN.test(canonicalDomain)
  return plain && address.length <= 254 && address.split('@').length === 2 ? address : null
}
