import ipaddr from 'ipaddr.js'

export type Address = ipaddr.IPv4 | ipaddr.IPv6
export type AddressRange = [Address, number]

export interface AddressKind {
  /** `public`: anybody may be called there. `internal`: only where the operator opens it. `never`: not even then. */
  reach: 'public' | 'internal' | 'never'
  /** Completes the sentence "that is …". */
  what: string
}

const GLOBAL_UNICAST_V6 = ipaddr.parseCIDR('2000::/3')
const LOCAL_NAT64 = ipaddr.parseCIDR('64:ff9b:1::/48')

/**
 * What no rule of the operator opens, because nothing that waits for a callback lives there, and because one wide rule
 * (`::/0`, "our whole cloud") must not hand out the credentials of the machine.
 */
const NEVER: [what: string, range: AddressRange][] = [
  ...ranges('the unspecified address, which many systems take for the machine itself', '0.0.0.0/8', '::/128'),
  ...ranges('a multicast or broadcast address', '224.0.0.0/4', '255.255.255.255/32', 'ff00::/8'),
  ...ranges('a link-local address, where clouds serve machine credentials', '169.254.0.0/16', 'fe80::/10'),
  // Metadata and credential services outside link-local: Azure, Alibaba, Oracle, then AWS, Google and Scaleway on IPv6.
  ...ranges('a cloud metadata address', '168.63.129.16/32', '100.100.100.200/32', '192.0.0.192/32'),
  ...ranges('a cloud metadata address', 'fd00:ec2::/32', 'fd20:ce::254/128', 'fd00:42::42/128'),
  // IPv4-compatible, SIIT, 6to4, Teredo, local NAT64: retired, or hiding an IPv4 address where only that network knows.
  ...ranges('an IPv4 address in IPv6 disguise', '::/96', '::ffff:0:0:0/96', '2002::/16', '2001::/32', '64:ff9b:1::/48'),
]

const INTERNAL: Record<string, string> = {
  loopback: 'a loopback address',
  private: 'a private address (RFC 1918)',
  carrierGradeNat: 'a shared address behind carrier-grade NAT (RFC 6598)',
  uniqueLocal: 'a private address (RFC 4193)',
}

/** @param text an address as `net.isIP` knows it, without brackets */
export function kindOf(text: string): AddressKind {
  const address = unwrapIPv4(parse(text))
  const range: string = address.range()
  if (range === 'loopback') return { reach: 'internal', what: INTERNAL.loopback! } // before ::/96, which holds ::1
  const never = NEVER.find(([, candidate]) => within(address, candidate))
  if (never) return { reach: 'never', what: never[0] }
  if (range === 'unicast' && (address.kind() === 'ipv4' || within(address, GLOBAL_UNICAST_V6))) {
    return { reach: 'public', what: 'a public address' }
  }
  return { reach: 'internal', what: INTERNAL[range] ?? 'an address reserved for special use (RFC 6890)' }
}

/** RFC 6761 section 6.3: these names are loopback, whatever a DNS server says. */
export const isLocalhostName = (hostname: string) => hostname === 'localhost' || hostname.endsWith('.localhost')

export const isLoopback = (address: string) => unwrapIPv4(parse(address)).range() === 'loopback'

/** Whether an address, or the IPv4 address inside it, lies in the range. */
export const liesIn = (address: string, range: AddressRange) => within(unwrapIPv4(parse(address)), range)

/**
 * Two IPv6 forms reach the IPv4 host that they hold, so they are judged as that host: IPv4-mapped addresses, which the
 * system dials as IPv4, and 64:ff9b::/96 (RFC 6052), which a DNS64 resolver answers for every IPv4-only name on an
 * IPv6-only network. Refusing the second would cut such a network off from half of the Internet.
 */
function unwrapIPv4(address: Address): Address {
  if (address.kind() === 'ipv4') return address
  const range = address.range()
  const wraps = range === 'ipv4Mapped' || (range === 'rfc6052' && !within(address, LOCAL_NAT64))
  return wraps ? ipaddr.fromByteArray(address.toByteArray().slice(12)) : address
}

/** ipaddr.js takes `::127.0.0.1`, as resolvers print the IPv4-compatible `::7f00:1`, for the mapped `::ffff:127.0.0.1`. */
const parse = (text: string): Address => ipaddr.parse(text.replace(/^::(?=\d+\.)/, '::0:'))

const within = (address: Address, range: AddressRange) =>
  address.kind() === range[0].kind() && address.match(range[0], range[1])

function ranges(what: string, ...cidrs: string[]): [string, AddressRange][] {
  return cidrs.map((cidr) => [what, ipaddr.parseCIDR(cidr)])
}
