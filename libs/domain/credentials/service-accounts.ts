import { Injectable } from '@nestjs/common'
import { LRUCache } from 'lru-cache'
import { Clock, seconds } from '#platform/clock/clock.js'
import type { Database, Em, Tx } from '#platform/database/database.js'
import { unavailable } from '#platform/errors/api-error.js'
import { newId, RandomSource } from '#platform/secrets/random.js'
import { Sealer, type SealingPlace } from '#platform/secrets/sealer.js'
import type { Secret } from '#platform/secrets/secret.js'
import { ProviderCredentials } from './provider-credentials.js'
import { ServiceAccount } from './service-account.entity.js'

export interface ProvenOrganisation {
  clientId: string
  provider: 'google' | 'microsoft'
  organisationId: string
  organisationName: string
  domains: string[]
  administratorEmail: string
  /** Microsoft only. */
  cloud?: ServiceAccount['cloud']
  credentialSource: 'operator' | 'customer'
  /** As domain/providers serialised it; null with the operator's. */
  credential: Secret<string> | null
  scope: string[]
  delegatedScope: string[]
}

export type CredentialOwner = Pick<
  ServiceAccount,
  'id' | 'clientId' | 'provider' | 'credentialVersion' | 'sealedCredential'
>

export interface CredentialInUse {
  credential: Secret<string>
  version: string
}

const KEPT_FOR = seconds(5)
const MOST_KEPT = 1_000

@Injectable()
export class ServiceAccounts {
  readonly #inUse = new LRUCache<string, CredentialInUse>({ max: MOST_KEPT, ttl: KEPT_FOR })

  constructor(
    private readonly clock: Clock,
    private readonly random: RandomSource,
    private readonly sealer: Sealer,
    private readonly operatorCredentials: ProviderCredentials,
  ) {}

  /** Consenting again renews the same service account, so its id and the grants under it stay. */
  async connect(tx: Tx, { credential, ...proven }: ProvenOrganisation): Promise<ServiceAccount> {
    const { clientId, provider, organisationId } = proven
    const now = this.clock.now()
    const account =
      (await tx.findOne(ServiceAccount, { clientId, provider, organisationId, revokedAt: null })) ??
      tx.create(ServiceAccount, {
        id: newId(this.random, 'ser'),
        ...proven,
        credentialVersion: '',
        createdAt: now,
        updatedAt: now,
      })
    return Object.assign(account, proven, {
      sealedCredential: credential ? await this.sealer.seal(credential, credentialPlace(account)) : null,
      credentialVersion: newId(this.random, 'ver'),
      updatedAt: now,
    })
  }

  /** By id. */
  list(em: Em, page: { clientId?: string; after?: string; limit: number }): Promise<ServiceAccount[]> {
    const { clientId, after: id, limit } = page
    const where = { ...(clientId ? { clientId } : {}), ...(id ? { id: { $gt: id } } : {}) }
    return em.find(ServiceAccount, where, { orderBy: { id: 'asc' }, limit })
  }

  /** Of those that have all of these; for an organisation, whichever clients it has authorised. */
  select(em: Em, named: { id?: string; clientId?: string; organisationId?: string }): Promise<ServiceAccount[]> {
    const given = Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined))
    return em.find(ServiceAccount, given, { orderBy: { id: 'asc' } })
  }

  find(em: Em, id: string): Promise<ServiceAccount | null> {
    return em.findOne(ServiceAccount, { id })
  }

  /**
   * What this service account acts with: its own credential, or the operator's. Kept for a few seconds, because it is
   * asked for every mailbox; a new operator's credential takes effect that much later.
   */
  async credentialWithSecret(database: Database, account: CredentialOwner): Promise<CredentialInUse> {
    const key = `${account.id} ${account.credentialVersion}`
    const kept = this.#inUse.get(key)
    if (kept) return kept
    const credential = await database.read((em) => this.#openCredential(em, account))
    this.#inUse.set(key, credential)
    return credential
  }

  async #openCredential(em: Em, account: CredentialOwner): Promise<CredentialInUse> {
    if (account.sealedCredential) {
      const credential = await this.sealer.open(account.sealedCredential, credentialPlace(account))
      return { credential, version: account.credentialVersion }
    }
    const operator = await this.operatorCredentials.findWithSecret(em, account.provider, account.clientId)
    if (!operator?.credential) throw unavailable(`The operator has no ${account.provider} credential set up any more.`)
    return { credential: operator.credential, version: operator.version }
  }
}

const credentialPlace = (account: { id: string; clientId: string }): SealingPlace => ({
  table: 'service_accounts',
  column: 'sealed_credential',
  row: account.id,
  client: account.clientId,
})
