import { LockMode } from '@mikro-orm/core'
import { Injectable } from '@nestjs/common'
import { RecentlyUsed } from '#platform/caches/recently-used.js'
import { Clock, seconds } from '#platform/clock/clock.js'
import type { Database, Em, Tx } from '#platform/database/database.js'
import { conflict, notFound, unavailable } from '#platform/errors/api-error.js'
import { invalidField } from '#platform/errors/validation-error.js'
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
  /** Of that credential, where it is known. */
  credentialExpiresAt?: Date | null
  scope: string[]
  delegatedScope: string[]
  /** See {@link ServiceAccount}. */
  narrowedTo?: string[] | null
  narrowedKinds?: string[] | null
}

/** Of one client: it has one live service account at most. */
export type OneOrganisation = Pick<ServiceAccount, 'clientId' | 'provider' | 'organisationId'>

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
  readonly #inUse = new RecentlyUsed<CredentialInUse>(MOST_KEPT, { ttl: KEPT_FOR })

  constructor(
    private readonly clock: Clock,
    private readonly random: RandomSource,
    private readonly sealer: Sealer,
    private readonly operatorCredentials: ProviderCredentials,
  ) {}

  /**
   * Consenting again renews the same service account, so its id and the grants under it stay. What it acted with until
   * now stays for the way back. Where it was not well, it is probed at once.
   */
  async connect(tx: Tx, { credential, credentialExpiresAt, ...proven }: ProvenOrganisation): Promise<ServiceAccount> {
    const { clientId, provider, organisationId } = proven
    const now = this.clock.now()
    const existing = await tx.findOne(ServiceAccount, { clientId, provider, organisationId, revokedAt: null })
    const former = existing && (await this.#keptAside(existing))
    const account =
      existing ??
      tx.create(ServiceAccount, {
        id: newId(this.random, 'ser'),
        ...proven,
        credentialVersion: '',
        createdAt: now,
        updatedAt: now,
      })
    return Object.assign(account, proven, former, {
      sealedCredential: credential ? await this.sealer.seal(credential, credentialPlace(account)) : null,
      credentialVersion: newId(this.random, 'ver'),
      credentialExpiresAt: credentialExpiresAt ?? null,
      warnedDays: null,
      ...(existing ? { probeAt: now, probingSince: null } : {}),
      updatedAt: now,
    })
  }

  /**
   * Changes places with what it acted with before the last consent; doing it again undoes it.
   * @throws ApiError not_found; conflict when there is nothing to go back to
   */
  async rollBackCredential(tx: Tx, id: string): Promise<ServiceAccount> {
    const account = await tx.findOne(ServiceAccount, { id, revokedAt: null }, { lockMode: LockMode.PESSIMISTIC_WRITE })
    if (!account) throw notFound('This service account')
    const { formerCredentialSource: source, sealedFormerCredential: sealed, formerExpiresAt } = account
    if (!source) throw conflict('This service account has never acted with another credential.')
    const now = this.clock.now()
    const aside = await this.#keptAside(account)
    const credential = sealed ? await this.sealer.open(sealed, formerCredentialPlace(account)) : null
    Object.assign(account, aside, {
      credentialSource: source,
      sealedCredential: credential ? await this.sealer.seal(credential, credentialPlace(account)) : null,
      credentialExpiresAt: formerExpiresAt ?? null,
      ...{ credentialVersion: newId(this.random, 'ver'), warnedDays: null, probeAt: now, probingSince: null },
    })
    return account
  }

  /** @throws ApiError not_found, conflict; ValidationError on `credential_expires_at` */
  async setCredentialExpiry(tx: Tx, id: string, expiresAt: Date | null): Promise<ServiceAccount> {
    const account = await tx.findOne(ServiceAccount, { id, revokedAt: null }, { lockMode: LockMode.PESSIMISTIC_WRITE })
    if (!account) throw notFound('This service account')
    if (account.credentialSource === 'operator')
      throw conflict("This service account acts with the operator's credential, whose expiry is set with it.")
    if (expiresAt && expiresAt <= this.clock.now())
      throw invalidField('credential_expires_at', 'errors.invalid', 'must lie ahead')
    account.credentialExpiresAt = expiresAt
    account.warnedDays = null
    return account
  }

  async #keptAside(account: ServiceAccount) {
    const { credentialSource, sealedCredential: sealed, credentialExpiresAt } = account
    const credential = sealed ? await this.sealer.open(sealed, credentialPlace(account)) : null
    return {
      formerCredentialSource: credentialSource,
      sealedFormerCredential: credential ? await this.sealer.seal(credential, formerCredentialPlace(account)) : null,
      formerExpiresAt: credentialExpiresAt ?? null,
      formerReplacedAt: this.clock.now(),
    }
  }

  findLive(em: Em, organisation: OneOrganisation): Promise<ServiceAccount | null> {
    return em.findOne(ServiceAccount, { ...organisation, revokedAt: null })
  }

  /** The one that consenting again would renew; locked, so that two consents follow one another. */
  lockLive(tx: Tx, organisation: OneOrganisation): Promise<ServiceAccount | null> {
    return tx.findOne(ServiceAccount, { ...organisation, revokedAt: null }, { lockMode: LockMode.PESSIMISTIC_WRITE })
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

  /** Some that act with this registration of the operator's (client null: the one for all), those that work first. */
  async listUsersOfOperator(
    em: Em,
    provider: string,
    clientId: string | null,
    most: number,
  ): Promise<ServiceAccount[]> {
    const rows = await em.execute(
      `select * from service_accounts s
       where provider = ? and credential_source = 'operator' and revoked_at is null and case when ?::text is null
         then not exists (select 1 from provider_credentials p where p.provider = s.provider and p.client_id = s.client_id)
         else client_id = ? end
       order by (state = 'failing'), updated_at desc limit ?`,
      [provider, clientId, clientId, most],
    )
    return rows.map((row) => em.map(ServiceAccount, row))
  }

  find(em: Em, id: string): Promise<ServiceAccount | null> {
    return em.findOne(ServiceAccount, { id })
  }

  /**
   * What this service account acts with: its own credential, or the operator's. Kept for a few seconds, because it is
   * asked for every mailbox; a new operator's credential takes effect that much later.
   */
  async credentialWithSecret(database: Database, account: CredentialOwner): Promise<CredentialInUse> {
    const kept = this.#inUse.get(`${account.id} ${account.credentialVersion}`)
    if (kept) return kept
    return this.newestCredentialWithSecret(database, account)
  }

  /** The same, as it is at this moment. */
  async newestCredentialWithSecret(database: Database, account: CredentialOwner): Promise<CredentialInUse> {
    const credential = await database.read((em) => this.#openCredential(em, account))
    this.#inUse.set(`${account.id} ${account.credentialVersion}`, credential)
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

const credentialPlace = (account: { id: string; clientId: string }) =>
  ({
    table: 'service_accounts',
    column: 'sealed_credential',
    row: account.id,
    client: account.clientId,
  }) satisfies SealingPlace

const formerCredentialPlace = (account: { id: string; clientId: string }): SealingPlace => ({
  ...credentialPlace(account),
  column: 'sealed_former_credential',
})
