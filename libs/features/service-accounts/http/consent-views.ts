import { Injectable } from '@nestjs/common'
import type { FastifyRequest } from 'fastify'
import { ProviderCredentials } from '#domain/credentials/provider-credentials.js'
import { mailboxKindsOf } from '#domain/credentials/service-account-scopes.js'
import { permissionsOf, providerScopesFor } from '#domain/providers/delegated-scopes.js'
import { Database } from '#platform/database/database.js'
import { askerOf } from '#platform/pages/asker.js'
import { ChooseProvider } from '../choose-provider.js'
import type { Consent } from '../consent.entity.js'
import { csrfToken } from '../consent-session.js'
import type { Visit } from '../open-consent.js'
import { getOperatorWay } from '../operator-way.js'
import type { OwnCredentialField } from '../own-credential-form.js'
import { Decision } from '../pages/decision.page.js'
import type { FormTarget } from '../pages/elements.js'
import type { Complaints } from '../pages/fields.js'
import { GoogleDelegation } from '../pages/google-delegation.page.js'
import { MicrosoftGrant } from '../pages/microsoft-grant.page.js'
import { OwnGoogleKey } from '../pages/own-google-key.page.js'
import { OwnMicrosoftRegistration } from '../pages/own-microsoft-registration.page.js'
import { mayDo, mayNotDo, whoseCalendars } from '../pages/what-it-may-do.js'
import { WhoIsAsking } from '../pages/who-is-asking.page.js'
import { CONSENTS_PATH, PageAnswers } from './page-answers.js'

export const formTarget = ({ consent, cookie }: Visit): FormTarget => ({
  consentPath: `${CONSENTS_PATH}/${consent.id}`,
  csrf: csrfToken(cookie, consent),
})

/** From a consent, as it is stored, to the props of each page. */
@Injectable()
export class ConsentViews {
  constructor(
    private readonly database: Database,
    private readonly chooseProvider: ChooseProvider,
    private readonly operatorCredentials: ProviderCredentials,
    private readonly pages: PageAnswers,
  ) {}

  async whoIsAsking(request: FastifyRequest, visit: Visit) {
    const ways = await this.database.read((em) => this.chooseProvider.ways(em, visit.client.id))
    return WhoIsAsking({ ...this.#around(request, visit), ...inWords(visit.consent), ways })
  }

  async prepare(request: FastifyRequest, visit: Visit, complaints: Complaints<OwnCredentialField> = {}) {
    const { consent } = visit
    const around = this.#around(request, visit)
    const scopes = scopesOf(consent)
    if (consent.credentialSource === 'customer') return ownCredential(consent, around, scopes, complaints)
    const { credential } = await this.database.read((em) => getOperatorWay(em, this.operatorCredentials, consent))
    return credential.provider === 'google'
      ? GoogleDelegation({ ...around, clientId: credential.clientId, scopes })
      : MicrosoftGrant({ ...around, permissions: scopes })
  }

  decide(request: FastifyRequest, visit: Visit) {
    const { consent } = visit
    return Decision({
      ...this.#around(request, visit),
      ...inWords(consent),
      provider: consent.provider!,
      credentialSource: consent.credentialSource!,
      organisation: consent.organisation!,
      administratorEmail: consent.organisation!.administratorEmail,
    })
  }

  #around(request: FastifyRequest, visit: Visit) {
    const asker = askerOf(visit.client, visit.consent.redirectUri)
    return { frame: this.pages.frame(request), target: formTarget(visit), asker }
  }
}

type Around = Pick<Parameters<typeof OwnGoogleKey>[0], 'frame' | 'target' | 'asker'>

function ownCredential(consent: Consent, around: Around, scopes: string[], complaints: Complaints<OwnCredentialField>) {
  const { mailbox = '', tenant = '', clientId = '', proof = 'secret', secretExpiresOn = '' } = consent.entered ?? {}
  const alreadyGiven = Boolean(consent.sealedCredential)
  return consent.provider === 'google'
    ? OwnGoogleKey({ ...around, scopes, filled: { mailbox }, keyAlreadyGiven: alreadyGiven, complaints })
    : OwnMicrosoftRegistration({
        ...around,
        permissions: scopes,
        filled: { tenant, clientId, mailbox, proof, secretExpiresOn },
        proofAlreadyGiven: alreadyGiven,
        complaints,
      })
}

const scopesOf = ({ provider, delegatedScope, scope }: Consent) =>
  providerScopesFor(provider!, permissionsOf(delegatedScope), mailboxKindsOf(scope))

function inWords({ delegatedScope, scope }: Consent) {
  const kinds = mailboxKindsOf(scope)
  return { whose: whoseCalendars(kinds), may: mayDo(delegatedScope), mayNot: mayNotDo(delegatedScope, kinds) }
}
