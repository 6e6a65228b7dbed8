import { Injectable } from '@nestjs/common'
import { recordAct } from '#domain/audit/record-act.js'
import { Clock } from '#platform/clock/clock.js'
import type { Em, Tx } from '#platform/database/database.js'
import { Sealer, type SealingPlace } from '#platform/secrets/sealer.js'
import type { Secret } from '#platform/secrets/secret.js'
import { Consent } from './consent.entity.js'
import { type ConsentStep, stepsBefore } from './consent-journey.js'

type Changes = Partial<Omit<Consent, 'id' | 'clientId' | 'step' | 'revision' | 'expiresAt'>>
type SealedColumn = 'sealed_credential' | 'sealed_sign_in'

/** The rows of the journey. Every change after the first is a move. */
@Injectable()
export class Consents {
  constructor(
    private readonly clock: Clock,
    private readonly sealer: Sealer,
  ) {}

  find(em: Em, id: string): Promise<Consent | null> {
    return em.findOne(Consent, { id })
  }

  /**
   * One conditional update: true for whoever comes first from this revision, as long as the consent lives and the
   * journey has such a move. Whoever comes second has changed nothing.
   */
  async move(tx: Tx, from: Consent, to: ConsentStep, changes: Changes = {}): Promise<boolean> {
    const here = {
      id: from.id,
      revision: from.revision,
      step: { $in: stepsBefore(to) },
      expiresAt: { $gt: this.clock.now() },
    }
    return (await tx.nativeUpdate(Consent, here, { ...changes, step: to, revision: from.revision + 1 })) === 1
  }

  /** Once for each visit, however often its administrator thinks again. A browser that does nothing leaves no record. */
  async recordBegun(
    tx: Tx,
    { id, clientId, provider, credentialSource, scope, delegatedScope }: Consent,
    actor?: string,
  ) {
    const at = this.clock.now()
    if ((await tx.nativeUpdate(Consent, { id, begunAt: null }, { begunAt: at })) === 0) return
    const chosen = { provider: provider ?? null, credential: credentialSource ?? null }
    const details = { ...chosen, scope, delegated_scope: delegatedScope }
    await recordAct(tx, { clientId, at, act: 'consent.begun', subject: id, details, ...(actor && { actor }) })
  }

  seal(consent: Pick<Consent, 'id' | 'clientId'>, column: SealedColumn, value: Secret<string>): Promise<string> {
    return this.sealer.seal(value, placeOf(consent, column))
  }

  open(consent: Pick<Consent, 'id' | 'clientId'>, column: SealedColumn, sealed: string): Promise<Secret<string>> {
    return this.sealer.open(sealed, placeOf(consent, column))
  }
}

const placeOf = ({ id, clientId }: Pick<Consent, 'id' | 'clientId'>, column: SealedColumn): SealingPlace => ({
  table: 'consents',
  column,
  row: id,
  client: clientId,
})

/** What a change of mind forgets: whatever was found out on the way that was left. */
export const NOTHING_FOUND_OUT = {
  awaitedReturn: null,
  sealedSignIn: null,
  administrator: null,
  organisation: null,
  verifiedAt: null,
} as const
