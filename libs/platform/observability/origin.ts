import { AsyncLocalStorage } from 'node:async_hooks'

/** Who is at work, and from where: for the record alone. Nothing is ever decided by it. */
export interface Origin {
  /** `client:cli_…`, `user:<id at the client>`, `api-key:key_…`, `admin-key:<fingerprint>`, `cli:<user>`, `administrator:<address>`; `mandate` for our own work. */
  actor: string
  /** The network address of the caller. */
  address: string | null
  requestId: string | null
}

const OUR_OWN: Origin = { actor: 'mandate', address: null, requestId: null }

const origins = new AsyncLocalStorage<Origin>()

/** The one ambient thing in the house: a record that every signature carried would be in the way of what they are about. */
export const withOrigin = <T>(origin: Origin, work: () => T): T => origins.run({ ...origin }, work)

export const currentOrigin = (): Readonly<Origin> => origins.getStore() ?? OUR_OWN

/** Whoever authenticates a caller says who it is. Without a caller, it is our own work and stays so. */
export function nameActor(actor: string): void {
  const origin = origins.getStore()
  if (origin) origin.actor = actor
}
