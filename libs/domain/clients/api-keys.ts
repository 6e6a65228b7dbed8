import { Injectable } from '@nestjs/common'
import { Clock } from '#platform/clock/clock.js'
import type { Em, Tx } from '#platform/database/database.js'
import { conflict, notFound } from '#platform/errors/api-error.js'
import { type FieldProblems, ValidationError } from '#platform/errors/validation-error.js'
import { hashOf, newId, RandomSource } from '#platform/secrets/random.js'
import { Secret } from '#platform/secrets/secret.js'
import { ApiKey } from './api-key.entity.js'
import { apiKeyScopeProblem } from './api-key-scopes.js'
import { Clients } from './clients.js'

export interface NewApiKey {
  clientId: string
  scopes: string[]
  /** Null: until it is revoked. */
  expiresAt: Date | null
}

/** The keys of clients for the GraphQL face. A key leaves it once, at birth. */
@Injectable()
export class ApiKeys {
  constructor(
    private readonly clock: Clock,
    private readonly random: RandomSource,
    private readonly clients: Clients,
  ) {}

  /** @throws ApiError not_found, conflict for a disabled client; ValidationError by field */
  async create(tx: Tx, { clientId, scopes, expiresAt }: NewApiKey): Promise<{ apiKey: ApiKey; key: Secret<string> }> {
    const now = this.clock.now()
    refuseUnusable(scopes, expiresAt, now)
    const client = await this.clients.get(tx, clientId)
    if (client.disabledAt) throw conflict('This client is disabled: a key of it would open nothing.')
    // A prefix by which whoever finds one, or scans for them, knows what it is. 256 bits, so a fast hash is enough.
    const key = new Secret(`mandate_${this.random.bytes(32).toString('base64url')}`)
    const apiKey = tx.create(ApiKey, {
      id: newId(this.random, 'key'),
      clientId,
      keyHash: hashOf(key.reveal()),
      scope: [...new Set(scopes)],
      createdAt: now,
      expiresAt,
    })
    return { apiKey, key }
  }

  /** By id, those of one client or of all, the ended ones too. */
  list(em: Em, page: { clientId?: string; after?: string; limit: number }): Promise<ApiKey[]> {
    const where = { ...(page.clientId && { clientId: page.clientId }), ...(page.after && { id: { $gt: page.after } }) }
    return em.find(ApiKey, where, { orderBy: { id: 'asc' }, limit: page.limit })
  }

  /** @returns whether it was live until now @throws ApiError not_found */
  async revoke(tx: Tx, id: string): Promise<{ apiKey: ApiKey; first: boolean }> {
    const changed = await tx.nativeUpdate(ApiKey, { id, revokedAt: null }, { revokedAt: this.clock.now() })
    const apiKey = await tx.findOne(ApiKey, { id })
    if (!apiKey) throw notFound(`The key "${id.slice(0, 64)}"`)
    return { apiKey, first: changed === 1 }
  }
}

const MOST_SCOPES = 20

function refuseUnusable(scopes: readonly string[], expiresAt: Date | null, now: Date): void {
  const problems: FieldProblems = {}
  if (scopes.length === 0) problems.scopes = [{ key: 'errors.required', description: 'required: what the key is for' }]
  if (scopes.length > MOST_SCOPES)
    problems.scopes = [{ key: 'errors.length', description: `must have at most ${MOST_SCOPES}` }]
  scopes.slice(0, MOST_SCOPES).forEach((scope, i) => {
    const description = apiKeyScopeProblem(scope)
    if (description) problems[`scopes[${i}]`] = [{ key: 'errors.invalid', description }]
  })
  if (expiresAt && expiresAt <= now)
    problems.expires_at = [{ key: 'errors.invalid', description: 'must lie in the future' }]
  if (Object.keys(problems).length > 0) throw new ValidationError(problems)
}
