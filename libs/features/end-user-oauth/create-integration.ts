import { Injectable } from '@nestjs/common'
import type { CallerUser } from '#domain/clients/verify-user-token.js'
import { WORK_API_USES } from '#domain/providers/user-scopes.js'
import { Clock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { conflict } from '#platform/errors/api-error.js'
import { invalidField } from '#platform/errors/validation-error.js'
import { newId, RandomSource } from '#platform/secrets/random.js'
import { type IntegrationProvider, integrationUse, type MediaType } from './dialects.js'
import type { FoundIntegration } from './find-integrations.js'
import { Integration } from './integration.entity.js'
import { MOST_SHOWN } from './newest-of-user.js'

/** A record of what a user wants an account for; the account follows. */
@Injectable()
export class CreateIntegration {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly random: RandomSource,
  ) {}

  /** @throws ValidationError where that product has no such media; ApiError conflict for one more than are listed */
  async create(
    user: CallerUser,
    wanted: { provider: IntegrationProvider; mediaType: MediaType },
  ): Promise<FoundIntegration> {
    const { provider, mediaType } = wanted
    const use = integrationUse(provider, mediaType)
    if (!use) {
      const has = Object.keys(WORK_API_USES[provider].media).join(', ')
      throw invalidField('media_type', 'errors.not_available', `${provider} has: ${has}`)
    }
    const now = this.clock.now()
    const record = { id: newId(this.random, 'int'), ...user, ...wanted, createdAt: now, updatedAt: now }
    await this.database.inTransaction(async (tx) => {
      const held = await tx.find(Integration, { ...user, deletedAt: null }, { fields: ['id'], limit: MOST_SHOWN })
      if (held.length === MOST_SHOWN)
        throw conflict(`This user has ${MOST_SHOWN} integrations, and no more are listed. Delete one of them first.`)
      await tx.insert(Integration, record)
    })
    return { ...record, status: 'pending', email: null, grantId: null, scope: [use], isOwnRecord: true }
  }
}
