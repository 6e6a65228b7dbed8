import { Inject, Injectable } from '@nestjs/common'
import { recordAct } from '#domain/audit/record-act.js'
import { after, Clock } from '#platform/clock/clock.js'
import type { HttpSettings } from '#platform/config/settings.js'
import { HTTP_SETTINGS } from '#platform/config/tokens.js'
import { Database } from '#platform/database/database.js'
import { clientAnswer } from '#platform/oauth-protocol/client-answer.js'
import { Log } from '#platform/observability/log.js'
import type { Consent } from './consent.entity.js'
import { REPEAT_LIFE } from './consent-journey.js'
import { Consents, NOTHING_FOUND_OUT } from './consents.js'
import { ConsentStop } from './service-accounts.errors.js'

/** The administrator says no, from any page. Nothing is kept but that they did. */
@Injectable()
export class DenyServiceAccount {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly consents: Consents,
    private readonly log: Log,
    @Inject(HTTP_SETTINGS) private readonly http: HttpSettings,
  ) {}

  /** @returns the address that tells the client @throws ConsentStop */
  async deny(consent: Consent): Promise<string> {
    const ending = { ...NOTHING_FOUND_OUT, sealedCredential: null, endedAt: this.clock.now() }
    const denied = await this.database.inTransaction(async (tx) => {
      if (!(await this.consents.move(tx, consent, 'denied', ending))) return false
      const { id: subject, clientId, administrator } = consent
      const who = administrator ? { actor: `administrator:${administrator.email}` } : {}
      await recordAct(tx, { clientId, at: ending.endedAt, act: 'consent.denied', subject, ...who })
      return true
    })
    if (denied) this.log.info('consent.denied', { consent: consent.id, client: consent.clientId })
    const now = await this.database.read((em) => this.consents.find(em, consent.id))
    // Two clicks at the same moment: the other one denied, and the answer is the same.
    if (now?.step !== 'denied') throw new ConsentStop('outOfDate')
    return this.#answer(consent)
  }

  /** The second of two clicks gets the answer that the browser dropped with the first. */
  repeat(consent: Consent): string {
    if (!consent.endedAt || this.clock.now() > after(consent.endedAt, REPEAT_LIFE))
      throw new ConsentStop('alreadyDenied')
    return this.#answer(consent)
  }

  #answer(consent: Consent): string {
    return clientAnswer(consent, this.http.publicUrl.origin, {
      error: 'access_denied',
      error_description: 'The administrator denied the request.',
    })
  }
}
