import type { FastifyInstance, FastifyRequest } from 'fastify'
import ipaddr from 'ipaddr.js'
import type { Log } from '#platform/observability/log.js'

const WHAT_TO_DO =
  'Somebody who is no trusted proxy says whom a request is for, and is not believed: limits and audit see its own ' +
  'address. If it is your proxy, all callers share that address: name it in MANDATE_TRUSTED_PROXIES.'

/**
 * A proxy that nobody has named makes all callers one, without any error. Said once for each neighbour's address, which
 * is a proxy's as a rule; and once for all others, because strangers may write what they like.
 */
export function warnOfUnnamedProxies(fastify: FastifyInstance, log: Log): void {
  const warned = new Set<string>()
  fastify.addHook('onRequest', async (request) => {
    const peer = request.raw.socket.remoteAddress
    if (!peer || !saysWhomItIsFor(request) || isTrusted(request)) return
    const host = isNeighbour(peer) ? peer : 'a public address'
    if (warned.has(host) || warned.size >= MOST_WARNINGS) return
    warned.add(host)
    log.warn('proxy.not_trusted', { host, why: WHAT_TO_DO })
  })
}

const MOST_WARNINGS = 10

const saysWhomItIsFor = ({ headers }: FastifyRequest) =>
  headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined

/** Fastify lists whom it has believed, the peer first and the caller last. */
const isTrusted = ({ ips = [] }: FastifyRequest) => ips.length > 1

const isNeighbour = (address: string) => ipaddr.isValid(address) && ipaddr.process(address).range() !== 'unicast'
