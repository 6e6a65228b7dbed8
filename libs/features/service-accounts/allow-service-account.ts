import { UniqueConstraintViolationException } from '@mikro-orm/core'
import { Inject, Injectable } from '@nestjs/common'
import { recordAct } from '#domain/audit/record-act.js'
import { Clients } from '#domain/clients/clients.js'
import { ProviderCredentials } from '#domain/credentials/provider-credentials.js'
import type { ServiceAccount } from '#domain/credentials/service-account.entity.js'
import { mailboxKindsOf } from '#domain/credentials/service-account-scopes.js'
import { ServiceAccounts } from '#domain/credentials/service-accounts.js'
import { Codes } from '#domain/grants/codes.js'
import { NarrowGrants } from '#domain/grants/narrow-grants.js'
import { parseCredential } from '#domain/providers/credential-codec.js'
import { expiryOf } from '#domain/providers/credential-expiry.js'
import { type DelegatedScope, scopesBeyond, scopesWithin } from '#domain/providers/delegated-scopes.js'
import { after, Clock } from '#platform/clock/clock.js'
import type { HttpSettings } from '#platform/config/settings.js'
import { HTTP_SETTINGS } from '#platform/config/tokens.js'
import { Database, type Tx } from '#platform/database/database.js'
import { clientAnswer } from '#platform/oauth-protocol/client-answer.js'
import { Log } from '#platform/observability/log.js'
import type { Secret } from '#platform/secrets/secret.js'
import { Consent } from './consent.entity.js'
import { CHECK_LIFE, REPEAT_LIFE } from './consent-journey.js'
import { Consents } from './consents.js'
import { getOperatorWay } from './operator-way.js'
import { ConsentStop } from './service-accounts.errors.js'

/** Step 4: the consent becomes a service account, and a code for it goes back to the client. */
@Injectable()
export class AllowServiceAccount {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly clients: Clients,
    private readonly consents: Consents,
    private readonly operatorCredentials: ProviderCredentials,
    private readonly serviceAccounts: ServiceAccounts,
    private readonly codes: Codes,
    private readonly grants: NarrowGrants,
    private readonly log: Log,
    @Inject(HTTP_SETTINGS) private readonly http: HttpSettings,
  ) {}

  /** @returns the address that carries the code to the client @throws ConsentStop */
  async allow(consent: Consent): Promise<string> {
    await this.#narrowGrants(consent)
    const decided = await this.#onceMoreIfBeaten(() => this.database.inTransaction((tx) => this.#decide(tx, consent)))
    if (decided) {
      const { serviceAccountId } = decided
      // It holds already; what does not come to be written now, the next consent writes first.
      await this.#narrowGrants(consent).catch((error) =>
        this.log.failure('service_account.not_narrowed', error, { serviceAccount: serviceAccountId }),
      )
      this.log.info('consent.allowed', {
        consent: consent.id,
        client: consent.clientId,
        service_account: serviceAccountId,
      })
      return this.#answer(consent, decided.code)
    }
    // Two clicks at the same moment: the other one decided, and this one repeats it.
    const now = await this.database.read((em) => this.consents.find(em, consent.id))
    if (now?.step !== 'allowed' || now.revision !== consent.revision + 1) throw new ConsentStop('outOfDate')
    return this.repeat(now)
  }

  /**
   * A browser that clicks twice drops the answer to the first click, and with it the code. The second click gets a code
   * of its own for the same service account; giving out the first code twice would look like theft to the token endpoint.
   */
  async repeat(consent: Consent): Promise<string> {
    const { serviceAccountId, endedAt } = consent
    if (!serviceAccountId || !endedAt || this.clock.now() > after(endedAt, REPEAT_LIFE))
      throw new ConsentStop('alreadyAllowed')
    const code = await this.database.inTransaction(async (tx) => {
      await this.#refuseWhatHasChanged(tx, consent)
      const account = await this.serviceAccounts.find(tx, serviceAccountId)
      if (!account || account.revokedAt) throw new ConsentStop('alreadyAllowed')
      return this.#issueCode(tx, consent, serviceAccountId)
    })
    return this.#answer(consent, code)
  }

  /** Null when the consent has moved since it was read: then nothing is written. */
  async #decide(tx: Tx, consent: Consent): Promise<{ serviceAccountId: string; code: Secret<string> } | null> {
    await this.#refuseWhatHasChanged(tx, consent)
    if (!(await this.consents.move(tx, consent, 'allowed', { sealedCredential: null, endedAt: this.clock.now() })))
      return null
    const { id: serviceAccountId } = await this.#connect(tx, consent)
    await tx.nativeUpdate(Consent, { id: consent.id }, { serviceAccountId })
    const { id: subject, clientId, provider, organisation, scope, delegatedScope } = consent
    await recordAct(tx, {
      ...{ clientId, at: this.clock.now(), act: 'consent.allowed', serviceAccountId, subject },
      actor: actorOf(consent),
      details: { provider: provider!, organisation: organisation!.id, scope, delegated_scope: delegatedScope },
    })
    return { serviceAccountId, code: await this.#issueCode(tx, consent, serviceAccountId) }
  }

  async #refuseWhatHasChanged(tx: Tx, consent: Consent): Promise<void> {
    const client = await this.clients.find(tx, consent.clientId)
    if (!client || client.disabledAt || !client.redirectUris.includes(consent.redirectUri))
      throw new ConsentStop('clientChanged')
    if (consent.credentialSource === 'operator') await getOperatorWay(tx, this.operatorCredentials, consent)
  }

  async #connect(tx: Tx, consent: Consent): Promise<ServiceAccount> {
    const { organisation, provider, credentialSource, sealedCredential, verifiedAt } = consent
    if (!organisation || !provider || !credentialSource || !isFresh(verifiedAt, this.clock.now()))
      throw new ConsentStop('outOfDate')
    const credential = sealedCredential
      ? await this.consents.open(consent, 'sealed_credential', sealedCredential)
      : null
    const narrowing = await this.#narrowingOf(tx, consent)
    const account = await this.serviceAccounts.connect(tx, {
      clientId: consent.clientId,
      provider,
      organisationId: organisation.id,
      organisationName: organisation.name,
      domains: organisation.domains,
      administratorEmail: organisation.administratorEmail,
      cloud: organisation.cloud ?? null,
      credentialSource,
      credential,
      credentialExpiresAt: credential && (expiryOf(parseCredential(credential)) ?? statedExpiryOf(consent)),
      scope: consent.scope,
      delegatedScope: consent.delegatedScope,
      narrowedTo: narrowing?.scopes ?? null,
      narrowedKinds: narrowing?.kinds ?? null,
    })
    await tx.flush()
    return account
  }

  /**
   * An administrator who allows less than before means what there is already, too. From the commit on nothing that goes further
   * counts for more, also what was asked for before and is decided later. Null where nobody has ever allowed less.
   */
  async #narrowingOf(tx: Tx, consent: Consent): Promise<{ scopes: string[]; kinds: string[] } | null> {
    const { clientId, delegatedScope: to } = consent
    const former = await this.serviceAccounts.lockLive(tx, organisationOf(consent)!)
    if (!former) return null
    const from = former.delegatedScope as DelegatedScope[]
    const [fromKinds, kinds] = [mailboxKindsOf(former.scope), mailboxKindsOf(consent.scope)]
    const isLess = scopesBeyond(from, to).length > 0 || fromKinds.some((kind) => !kinds.includes(kind))
    if (isLess)
      await recordAct(tx, {
        ...{ clientId, at: this.clock.now(), act: 'service_account.narrowed', serviceAccountId: former.id },
        ...{
          subject: former.id,
          actor: actorOf(consent),
          details: { from, to, from_kinds: fromKinds, to_kinds: kinds },
        },
      })
    return isLess || former.narrowedTo ? { scopes: scopesWithin(to), kinds } : null
  }

  /** Before the next consent, too: what an earlier one has taken away must not come back because this one allows more. */
  async #narrowGrants(consent: Consent): Promise<void> {
    const organisation = organisationOf(consent)
    const account = organisation && (await this.database.read((em) => this.serviceAccounts.findLive(em, organisation)))
    if (!account?.narrowedTo || !account.narrowedKinds) return
    const within = { scopes: account.narrowedTo, kinds: account.narrowedKinds }
    await this.grants.narrow(account.id, within, actorOf(consent))
  }

  async #issueCode(tx: Tx, consent: Consent, serviceAccountId: string): Promise<Secret<string>> {
    const { clientId, scope, redirectUri, codeChallenge = null } = consent
    const to = { clientId, serviceAccountId, scope, redirectUri, codeChallenge }
    return (await this.codes.issueForServiceAccount(tx, to)).code
  }

  #answer(consent: Consent, code: Secret<string>): string {
    return clientAnswer(consent, this.http.publicUrl.origin, { code: code.reveal() })
  }

  /** Two administrators may allow the same organisation at the same moment: the second finds the first one's row. */
  async #onceMoreIfBeaten<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof UniqueConstraintViolationException)) throw error
      return work()
    }
  }
}

const organisationOf = ({ clientId, provider, organisation }: Consent) =>
  provider && organisation ? { clientId, provider, organisationId: organisation.id } : null

/** Of a client secret, as whoever brought it said. */
const statedExpiryOf = ({ entered }: Consent) => (entered?.secretExpiresOn ? new Date(entered.secretExpiresOn) : null)

const actorOf = ({ organisation }: Consent) => `administrator:${organisation!.administratorEmail}`

export const isFresh = (verifiedAt: Date | null | undefined, now: Date) =>
  verifiedAt != null && now <= after(verifiedAt, CHECK_LIFE)
