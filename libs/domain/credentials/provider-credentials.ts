import { LockMode } from '@mikro-orm/core'
import { Injectable } from '@nestjs/common'
import { Clock } from '#platform/clock/clock.js'
import type { Em, Tx } from '#platform/database/database.js'
import { conflict, notFound } from '#platform/errors/api-error.js'
import { newId, RandomSource } from '#platform/secrets/random.js'
import { Sealer, type SealingPlace } from '#platform/secrets/sealer.js'
import type { Secret } from '#platform/secrets/secret.js'
import { ProviderCredential } from './provider-credential.entity.js'

export interface OperatorCredentialWithSecret {
  provider: string
  /** Null: operator-wide. */
  clientId: string | null
  /** As domain/providers serialised it; null where only sign-in is set up. */
  credential: Secret<string> | null
  signIn: { clientId: string; clientSecret: Secret<string> } | null
  version: string
  /** Of what acts, where it is known. */
  expiresAt: Date | null
  /** Since when there is one to go back to. */
  formerReplacedAt: Date | null
  updatedAt: Date
}

export interface NewProviderCredential {
  provider: string
  /** Null: operator-wide. */
  clientId: string | null
  /** Undefined leaves what is there. */
  credential?: Secret<string>
  /** Of that credential, where it is known. */
  expiresAt?: Date | null
  signIn?: { clientId: string; clientSecret: Secret<string> }
}

@Injectable()
export class ProviderCredentials {
  constructor(
    private readonly clock: Clock,
    private readonly random: RandomSource,
    private readonly sealer: Sealer,
  ) {}

  async set(tx: Tx, wanted: NewProviderCredential): Promise<ProviderCredential> {
    const { provider, clientId } = wanted
    const row =
      (await tx.findOne(ProviderCredential, { provider, clientId })) ??
      tx.create(ProviderCredential, {
        id: newId(this.random, 'prc'),
        provider,
        clientId,
        version: '',
        updatedAt: this.clock.now(),
      })
    if (wanted.credential) await this.#act(row, wanted.credential, wanted.expiresAt ?? null)
    if (wanted.signIn) {
      row.signInClientId = wanted.signIn.clientId
      row.sealedSignInSecret = await this.sealer.seal(wanted.signIn.clientSecret, place(row, 'sealed_sign_in_secret'))
    }
    row.version = newId(this.random, 'ver')
    row.updatedAt = this.clock.now()
    return row
  }

  /**
   * Changes places with what acted before; doing it again undoes it. How administrators sign in at Google stays as it is.
   * @throws ApiError not_found; conflict when there is nothing to go back to
   */
  async rollBack(tx: Tx, provider: string, clientId: string | null): Promise<ProviderCredential> {
    const lock = { lockMode: LockMode.PESSIMISTIC_WRITE }
    const row = await tx.findOne(ProviderCredential, { provider, clientId }, lock)
    if (!row) throw notFound('This registration')
    if (!row.sealedFormerCredential) throw conflict('This registration has never acted with another credential.')
    const former = await this.sealer.open(row.sealedFormerCredential, place(row, 'sealed_former_credential'))
    await this.#act(row, former, row.formerExpiresAt ?? null)
    row.version = newId(this.random, 'ver')
    row.updatedAt = this.clock.now()
    return row
  }

  /** What acts until now is put aside, for the way back. */
  async #act(row: ProviderCredential, credential: Secret<string>, expiresAt: Date | null): Promise<void> {
    if (row.sealedCredential) {
      const former = await this.sealer.open(row.sealedCredential, place(row, 'sealed_credential'))
      row.sealedFormerCredential = await this.sealer.seal(former, place(row, 'sealed_former_credential'))
      row.formerExpiresAt = row.expiresAt ?? null
      row.formerReplacedAt = this.clock.now()
    }
    row.sealedCredential = await this.sealer.seal(credential, place(row, 'sealed_credential'))
    row.expiresAt = expiresAt
    row.warnedDays = null
  }

  /** The client's own registration where it has one, else the operator's. */
  async findWithSecret(em: Em, provider: string, clientId: string): Promise<OperatorCredentialWithSecret | null> {
    // Not `$in`: in SQL nothing is in a list because of a null there.
    const rows = await em.find(ProviderCredential, { provider, $or: [{ clientId }, { clientId: null }] })
    const row = rows.find((candidate) => candidate.clientId === clientId) ?? rows[0]
    return row ? this.#opened(row) : null
  }

  /** What this owner has set up itself (null: the operator), and nobody else's. */
  async findOwnWithSecret(
    em: Em,
    provider: string,
    clientId: string | null,
  ): Promise<OperatorCredentialWithSecret | null> {
    const row = await em.findOne(ProviderCredential, { provider, clientId })
    return row && this.#opened(row)
  }

  /** Every registration; within a provider the operator's own first. */
  async listWithSecret(em: Em): Promise<OperatorCredentialWithSecret[]> {
    const orderBy = { provider: 'asc', clientId: 'asc nulls first' } as const
    const rows = await em.find(ProviderCredential, {}, { orderBy })
    return Promise.all(rows.map((row) => this.#opened(row)))
  }

  async #opened(row: ProviderCredential): Promise<OperatorCredentialWithSecret> {
    const { provider, signInClientId, sealedCredential, sealedSignInSecret, version, updatedAt } = row
    return {
      provider,
      clientId: row.clientId ?? null,
      credential: sealedCredential ? await this.sealer.open(sealedCredential, place(row, 'sealed_credential')) : null,
      signIn:
        signInClientId && sealedSignInSecret
          ? {
              clientId: signInClientId,
              clientSecret: await this.sealer.open(sealedSignInSecret, place(row, 'sealed_sign_in_secret')),
            }
          : null,
      version,
      expiresAt: row.expiresAt ?? null,
      formerReplacedAt: row.formerReplacedAt ?? null,
      updatedAt,
    }
  }
}

type Column = 'sealed_credential' | 'sealed_former_credential' | 'sealed_sign_in_secret'

const place = (row: { id: string; clientId?: string | null }, column: Column): SealingPlace => ({
  table: 'provider_credentials',
  column,
  row: row.id,
  client: row.clientId ?? 'operator',
})
