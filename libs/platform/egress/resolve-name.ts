import { lookup, Resolver } from 'node:dns/promises'
import { isLocalhostName } from './address-kind.js'
import type { EgressPolicy } from './egress-policy.js'

/** Every address of a name; rejects, or answers none, when it has none. */
export type Resolve = (hostname: string) => Promise<string[]>

/** Two rounds of 1 s and 2 s, so that a lost packet or a dead AAAA query still leaves time to connect. */
const PATIENCE = { timeout: 1_000, tries: 2 }

/**
 * Names of strangers are asked of the DNS by c-ares and not by getaddrinfo: that blocks one of libuv's four threads
 * until it gives up, and twenty names with silent servers would stop every delivery, and file and key work with it.
 *
 * c-ares knows no hosts file and no search domain. Names that depend on these are internal ones, which the operator must
 * list anyway: those few go to getaddrinfo, and resolve as they do everywhere else on the machine.
 */
export function resolveWith(policy: EgressPolicy, dns = new Resolver(PATIENCE)): Resolve {
  return async (hostname) => {
    if (isLocalhostName(hostname)) return ['127.0.0.1', '::1']
    if (policy.listsHost(hostname)) return (await lookup(hostname, { all: true })).map(({ address }) => address)
    const [v4, v6] = await Promise.allSettled([dns.resolve4(hostname), dns.resolve6(hostname)])
    if (v4.status === 'rejected' && v6.status === 'rejected') throw v4.reason
    return [v4, v6].flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
  }
}
