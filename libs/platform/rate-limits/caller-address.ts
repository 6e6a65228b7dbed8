import ipaddr from 'ipaddr.js'

/** Whoever has one address of an IPv6 network has its whole /64. An IPv4 address is one caller, also in IPv6 clothes. */
export function callerAddress(ip: string): string {
  if (!ipaddr.isValid(ip)) return 'unknown'
  const address = ipaddr.process(ip)
  return address instanceof ipaddr.IPv6 ? `${ipaddr.IPv6.networkAddressFromCIDR(`${address}/64`)}` : address.toString()
}
