import { Injectable } from '@nestjs/common'
import { Database } from '#platform/database/database.js'
import type { Consent } from './consent.entity.js'
import { Consents } from './consents.js'
import { isAddress } from './own-credential-form.js'
import { ConsentStop } from './service-accounts.errors.js'

/** Step 3 at Microsoft, where administrators often have no mailbox: the check is to open somebody else's calendar. */
@Injectable()
export class TryMailbox {
  constructor(
    private readonly database: Database,
    private readonly consents: Consents,
  ) {}

  /** Anything that is not an address leaves the choice as it was. @throws ConsentStop */
  async name(consent: Consent, mailbox: string): Promise<void> {
    const entered = isAddress(mailbox) ? { ...consent.entered, mailbox } : (consent.entered ?? null)
    const changes = { entered, organisation: null, verifiedAt: null }
    const moved =
      consent.administrator !== null &&
      (await this.database.inTransaction((tx) => this.consents.move(tx, consent, 'checking', changes)))
    if (!moved) throw new ConsentStop('outOfDate')
  }
}
