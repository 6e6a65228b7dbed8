import { Injectable } from '@nestjs/common'
import { Clock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import type { Consent } from './consent.entity.js'
import { Consents, NOTHING_FOUND_OUT } from './consents.js'
import { type ReadForm, readGoogleForm, readMicrosoftForm, type TypedIn } from './own-credential-form.js'
import { ConsentStop } from './service-accounts.errors.js'

/** Step 2 with the organisation's own credential: read, sealed, and tried in the next step; never shown again. */
@Injectable()
export class BringCredential {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly consents: Consents,
  ) {}

  /** @returns the form with its complaints; without any, the check can begin @throws ConsentStop */
  async bring(consent: Consent, typed: TypedIn): Promise<ReadForm> {
    if (!consent.provider || consent.credentialSource !== 'customer') throw new ConsentStop('outOfDate')
    const kept = consent.sealedCredential
      ? await this.consents.open(consent, 'sealed_credential', consent.sealedCredential)
      : null
    const form =
      consent.provider === 'google'
        ? await readGoogleForm(typed, kept)
        : await readMicrosoftForm(typed, kept, this.clock.now())
    const complete = form.credential !== null && Object.keys(form.complaints).length === 0
    const changes = {
      ...NOTHING_FOUND_OUT,
      entered: form.entered,
      // Kept also when another field is wrong: nobody should have to fetch the key file twice.
      ...(form.credential
        ? { sealedCredential: await this.consents.seal(consent, 'sealed_credential', form.credential) }
        : {}),
    }
    await this.database.inTransaction(async (tx) => {
      if (!(await this.consents.move(tx, consent, complete ? 'checking' : 'preparing', changes)))
        throw new ConsentStop('outOfDate')
      if (complete) await this.consents.recordBegun(tx, consent)
    })
    return form
  }
}
