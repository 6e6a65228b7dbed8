import { Cluster, Redis, type RedisOptions } from 'ioredis'
import type { RedisSettings } from '#platform/config/settings.js'

export type RedisConnection = Redis | Cluster

/** What a connection is for; the rest follows from how the stores are set up. */
export type ConnectionPurpose = Pick<
  RedisOptions,
  'enableOfflineQueue' | 'maxRetriesPerRequest' | 'commandTimeout' | 'enableAutoPipelining'
>

/**
 * After a connection that has failed is ended, ioredis waits so long for a socket that closed before, and keeps the process
 * alive meanwhile: two seconds unless it is told.
 */
const DISCONNECT_WITHIN = 200

/** One Redis, the primary that sentinels watch, or a cluster. Not connected yet. */
export function redisConnection(settings: RedisSettings, purpose: ConnectionPurpose): RedisConnection {
  const { urls, cluster, sentinel, sentinelPassword } = settings
  const [first] = urls.reveal()
  const { protocol, username, password, pathname } = first!
  const tls = protocol === 'rediss:' ? { ...(settings.ca && { ca: settings.ca }) } : undefined
  const access = {
    ...(username && { username: decodeURIComponent(username) }),
    ...(password && { password: decodeURIComponent(password) }),
    ...(tls && { tls }),
  }
  const db = Number(pathname.slice(1)) || 0
  const nodes = urls.reveal().map(({ hostname, port }) => ({ host: bare(hostname), port: Number(port) || 6379 }))
  const common = { ...access, ...purpose, disconnectTimeout: DISCONNECT_WITHIN, lazyConnect: true }
  if (cluster) {
    const { enableOfflineQueue = true, enableAutoPipelining = false, ...ofEachNode } = purpose
    return new Cluster(nodes, {
      ...{ enableOfflineQueue, enableAutoPipelining, lazyConnect: true },
      redisOptions: { ...access, ...ofEachNode, disconnectTimeout: DISCONNECT_WITHIN },
      // Certificates are for names: an address that the cluster gives is taken as it is.
      ...(tls && { dnsLookup: (address: string, done: (error: null, address: string) => void) => done(null, address) }),
    })
  }
  if (sentinel)
    return new Redis({
      ...{ ...common, db, name: sentinel, sentinels: nodes },
      ...(sentinelPassword && { sentinelPassword: sentinelPassword.reveal() }),
      ...(tls && { enableTLSForSentinelMode: true, sentinelTLS: tls }),
    })
  return new Redis({ ...common, ...nodes[0], db })
}

/** Every key of a queue has to lie on one node, because each script uses several: what stands in braces says on which. */
export const prefixFor = (prefix: string, { cluster }: RedisSettings) =>
  cluster && !/\{.+\}/.test(prefix) ? `{${prefix}}` : prefix

/** What evicts keys drops jobs in silence. (INFO and not CONFIG: hosted ones forbid the latter.) */
export async function refuseEviction(connection: RedisConnection): Promise<void> {
  const servers = connection instanceof Cluster ? connection.nodes('master') : [connection]
  for (const server of servers) {
    const [, policy = 'noeviction'] = /^maxmemory_policy:(\S+)/m.exec(await server.info('memory')) ?? []
    if (policy !== 'noeviction')
      throw new Error(`its maxmemory-policy is ${policy}, so it may drop jobs to make room. Set it to noeviction.`)
  }
}

const bare = (hostname: string) => hostname.replace(/^\[(.*)\]$/, '$1')
