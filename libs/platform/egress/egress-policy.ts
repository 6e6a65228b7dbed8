import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import { type AddressRange, kindOf, liesIn } from './address-kind.js'

/** What the operator opens besides the public Internet: addresses, or names (`*.example.com`: every name below it). */
export type EgressRule = { readonly range: AddressRange } | { readonly host: string }

/** Where calls to addresses that customers gave us may go. */
export class EgressPolicy {
  readonly #ranges: AddressRange[]
  readonly #hosts: string[]
  readonly unsafeAllowHttp: boolean

  constructor({
    allow = [],
    unsafeAllowHttp = false,
  }: { allow?: readonly EgressRule[]; unsafeAllowHttp?: boolean } = {}) {
    this.#ranges = allow.flatMap((rule) => ('range' in rule ? [rule.range] : []))
    this.#hosts = allow.flatMap((rule) => ('host' in rule ? [rule.host] : []))
    this.unsafeAllowHttp = unsafeAllowHttp
  }

  /**
   * Why we do not dial this address, to complete the sentence "that is …"; null where we do. A name that the operator
   * listed may stand for any internal address: listing it means trusting whoever runs its DNS.
   */
  refusalOf(address: string, hostname: string): string | null {
    const { reach, what } = kindOf(address)
    if (reach === 'public') return null
    if (reach === 'never') return `${what}, which nothing opens`
    if (this.listsHost(hostname) || this.#ranges.some((range) => liesIn(address, range))) return null
    return `${what}, which the operator has not opened (MANDATE_EGRESS_ALLOW)`
  }

  listsHost(hostname: string): boolean {
    return this.#hosts.some((host) => (host.startsWith('*.') ? hostname.endsWith(host.slice(1)) : hostname === host))
  }
}

/**
 * Reads MANDATE_EGRESS_ALLOW: IP addresses, CIDRs, host names and `*.suffix`, separated by commas. Problems name the
 * position and the rule, all of them and never the value.
 */
export function parseEgressAllow(text: string): { rules: EgressRule[]; problems: string[] } {
  const rules: EgressRule[] = []
  const problems: string[] = []
  for (const [index, item] of text.split(',').entries()) {
    if (item.trim() === '') continue // an empty setting, and the comma at the end that templates leave behind
    const rule = readRange(item.trim()) ?? readHost(item.trim().toLowerCase())
    if (typeof rule === 'string') problems.push(`item ${index + 1} ${rule}`)
    else rules.push(rule)
  }
  return { rules, problems }
}

const LABEL = '[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?'
const HOST = new RegExp(String.raw`^(\*\.)?(${LABEL}\.)*${LABEL}$`)

/** A rule, a problem, or null when this does not mean to be an address. */
function readRange(item: string): EgressRule | string | null {
  const [address, bits, ...more] = item.split('/')
  const version = isIP(address!) // strict: ipaddr.js alone would read `10` as 0.0.0.10
  if (version === 0) return null
  const most = version === 4 ? 32 : 128
  const prefix = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN
  if (more.length > 0 || !(prefix <= most)) return `has no valid prefix length: write /0 to /${most}, or leave it out`
  return { range: [ipaddr.parse(address!), prefix] }
}

function readHost(item: string): EgressRule | string {
  const lastLabel = item.slice(item.lastIndexOf('.') + 1)
  if (HOST.test(item) && !/^(\d+|0x[0-9a-f]*)$/.test(lastLabel)) return { host: item }
  return 'is neither an IP address, a CIDR, a host name nor *.suffix: leave out scheme, port and path, and write other alphabets as xn--…'
}

/** Opens the machine itself: for the standalone process and for tests. */
export const LOOPBACK_RULES = parseEgressAllow('localhost, *.localhost, 127.0.0.0/8, ::1').rules
