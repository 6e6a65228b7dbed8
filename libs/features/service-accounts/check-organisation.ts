import { Injectable } from '@nestjs/common'
import { ProviderCredentials } from '#domain/credentials/provider-credentials.js'
import { mailboxKindsOf } from '#domain/credentials/service-account-scopes.js'
import type { CheckStep, OrganisationClaim, VerifiedOrganisation } from '#domain/providers/administrator.port.js'
import { parseCredential } from '#domain/providers/credential-codec.js'
import { permissionsOf } from '#domain/providers/delegated-scopes.js'
import { Providers } from '#domain/providers/providers.js'
import { Clock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import type { Consent } from './consent.entity.js'
import { Consents } from './consents.js'
import { getOperatorWay } from './operator-way.js'
import { ConsentStop } from './service-accounts.errors.js'

/** Step 3: tries for real what is claimed, and keeps the organisation that was proven. */
@Injectable()
export class CheckOrganisation {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly consents: Consents,
    private readonly operatorCredentials: ProviderCredentials,
    private readonly providers: Providers,
  ) {}

  /** @throws ConsentStop when there is nothing to check yet */
  claim(consent: Consent): Promise<OrganisationClaim> {
    return consent.credentialSource === 'operator' ? this.#signedIn(consent) : this.#possessed(consent)
  }

  /**
   * Yields each line as the provider answers, and returns the organisation when all is well and it has been kept.
   * @throws ProviderError when the provider is out of order; ConsentStop when the journey moved on meanwhile
   */
  async *check(consent: Consent, claim: OrganisationClaim): AsyncGenerator<CheckStep, VerifiedOrganisation | null> {
    const organisation = yield* this.providers.administrator(consent.provider!).checkOrganisation(claim)
    const [to, changes] = organisation
      ? (['deciding', { organisation, verifiedAt: this.clock.now() }] as const)
      : (['checking', { organisation: null, verifiedAt: null }] as const)
    // From the revision that was read: a check of what has been changed since proves nothing about the new claim.
    const moved = await this.database.inTransaction((tx) => this.consents.move(tx, consent, to, changes))
    if (!moved) throw new ConsentStop('outOfDate')
    consent.revision += 1
    return organisation
  }

  /** The operator's credential may have been delegated by anybody; only who signed in says which organisation this is. */
  async #signedIn(consent: Consent): Promise<OrganisationClaim> {
    const { administrator } = consent
    if (!administrator?.organisation) throw new ConsentStop('outOfDate')
    const { credential } = await this.database.read((em) => getOperatorWay(em, this.operatorCredentials, consent))
    return {
      ...askedFor(consent),
      credential,
      administratorEmail: administrator.email,
      organisation: administrator.organisation,
      provenBy: 'sign-in',
      ...(consent.entered?.mailbox ? { mailbox: consent.entered.mailbox } : {}),
    }
  }

  /** Whoever holds a credential of the organisation's own speaks for it. */
  async #possessed(consent: Consent): Promise<OrganisationClaim> {
    const { entered, sealedCredential } = consent
    if (!sealedCredential || !entered?.mailbox) throw new ConsentStop('outOfDate')
    const domain = entered.mailbox.slice(entered.mailbox.lastIndexOf('@') + 1)
    return {
      ...askedFor(consent),
      credential: parseCredential(await this.consents.open(consent, 'sealed_credential', sealedCredential)),
      administratorEmail: entered.mailbox,
      organisation: entered.tenant ?? domain,
      provenBy: 'possession',
      mailbox: entered.mailbox,
    }
  }
}

const askedFor = (consent: Consent) => ({
  permissions: permissionsOf(consent.delegatedScope),
  kinds: mailboxKindsOf(consent.scope),
})
