import { isIP, type LookupFunction } from 'node:net'
import { buildConnector, type Dispatcher, Pool } from 'undici'
import { RecentlyUsed } from '#platform/caches/recently-used.js'
import { minutes, seconds } from '#platform/clock/clock.js'
import { EgressError } from '#platform/errors/egress-error.js'
import type { AllowedUrl } from './allowed-url.js'
import type { EgressPolicy } from './egress-policy.js'
import type { Resolve } from './resolve-name.js'

/** Name, TCP and TLS together. */
export const CONNECT_TIMEOUT_MS = seconds(5)

const POOL = {
  connections: 32,
  allowH2: false, // one exchange a socket: cutting off an answer that is too long must not hurt a neighbour
  keepAliveTimeout: seconds(4),
  keepAliveMaxTimeout: seconds(10), // the most that a receiver's own Keep-Alive hint can ask for
  clientTtl: minutes(1), // a receiver that moves is found again, however busy its old sockets are
  headersTimeout: 0, // the caller's deadline is the one clock
  bodyTimeout: 0,
  maxHeaderSize: 16 * 1024,
}

/** The least recently used is closed, politely, when one more origin is called. */
const MOST_ORIGINS = 256

/**
 * Sockets to places that customers chose. Addresses are checked at the moment of dialling and the checked one is dialled,
 * so a name that changes its mind between check and use (DNS rebinding) gains nothing. One pool per origin: a socket is
 * never used for another name, even at the same address. There is no proxy support, so no proxy variable matters.
 */
export class GuardedAgent {
  readonly #connect: buildConnector.connector
  readonly #pools = new RecentlyUsed<Pool>(MOST_ORIGINS, { dispose: (pool) => void pool.close() })

  constructor(policy: EgressPolicy, resolve: Resolve) {
    this.#connect = guardedConnector(policy, resolve)
  }

  dispatch(
    to: AllowedUrl,
    options: Omit<Dispatcher.DispatchOptions, 'path'>,
    handler: Dispatcher.DispatchHandler,
  ): void {
    this.#poolOf(to.origin).dispatch({ ...options, path: to.pathname + to.search }, handler)
  }

  /** Lets what is under way end; the callers' deadlines bound the wait. */
  async close(): Promise<void> {
    const open = [...this.#pools.values()].filter((pool) => !pool.destroyed)
    await Promise.all(open.map((pool) => pool.close()))
  }

  #poolOf(origin: string): Pool {
    const known = this.#pools.get(origin)
    if (known) return known
    const pool = new Pool(origin, { ...POOL, connect: this.#connect })
    this.#pools.set(origin, pool)
    return pool
  }
}

/**
 * `lookup` guards names; Node never calls it for a host that is an address already, so those are checked before. Names
 * may have several addresses: all are checked, and one bad one refuses the name, because a public address beside an
 * internal one is how rebinding looks from here.
 */
function guardedConnector(policy: EgressPolicy, resolve: Resolve): buildConnector.connector {
  const checkedAddresses = async (hostname: string) => {
    const addresses = isIP(hostname) ? [hostname] : await resolveOrExplain(hostname, resolve)
    for (const address of addresses) {
      const refusal = policy.refusalOf(address, hostname)
      if (refusal) throw addressRefused(hostname, address, refusal)
    }
    return addresses.map((address) => ({ address, family: isIP(address) }))
  }

  const lookup: LookupFunction = (hostname, _options, done) => {
    checkedAddresses(hostname).then(
      (addresses) => done(null, addresses),
      (error) => done(error, []),
    )
  }

  const dial = buildConnector({
    timeout: CONNECT_TIMEOUT_MS,
    allowH2: false,
    // Node skips the check of the certificate's names when a session is resumed; a full handshake never does.
    maxCachedSessions: 0,
    rejectUnauthorized: true, // said aloud, so that NODE_TLS_REJECT_UNAUTHORIZED=0 does not decide
    lookup,
    autoSelectFamily: true, // tries the checked addresses in turn; it also means that lookup is asked for all of them
    autoSelectFamilyAttemptTimeout: seconds(1),
  } as buildConnector.BuildOptions)

  return (options, done) => {
    const { hostname } = options
    // From the URL and never from a Host header, which undici would believe.
    if (!isIP(hostname)) return dial({ ...options, servername: hostname }, done)
    checkedAddresses(hostname).then(
      () => dial({ ...options, servername: undefined }, done),
      (error) => done(error, null),
    )
  }
}

async function resolveOrExplain(hostname: string, resolve: Resolve): Promise<string[]> {
  const addresses = await resolve(hostname).catch((cause) => {
    throw nameNotResolved(hostname, cause)
  })
  if (addresses.length === 0) throw nameNotResolved(hostname)
  return addresses
}

const nameNotResolved = (hostname: string, cause?: { code?: string }) =>
  new EgressError(
    'egress.name_not_resolved',
    `The name ${hostname} could not be resolved (${cause?.code ?? 'ENODATA'}): check its spelling and its DNS records.`,
    { cause },
  )

/** The address stays in the log: telling it to whoever gave us the name would be a map of the operator's network. */
const addressRefused = (hostname: string, address: string, refusal: string) =>
  new EgressError(
    'egress.address_not_allowed',
    `The host ${hostname} leads to ${refusal}; point it at public addresses only.`,
    { detail: `${hostname} resolves to ${address}, ${refusal}` },
  )
