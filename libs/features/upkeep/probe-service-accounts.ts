import { Injectable } from '@nestjs/common'
import type { ServiceAccount } from '#domain/credentials/service-account.entity.js'
import { mailboxKindsOf } from '#domain/credentials/service-account-scopes.js'
import { type ClaimedProbe, ServiceAccountStates } from '#domain/credentials/service-account-states.js'
import { ServiceAccounts } from '#domain/credentials/service-accounts.js'
import { FindSomeMailbox } from '#domain/grants/find-some-mailbox.js'
import { type DelegatedScope, permissionsOf } from '#domain/providers/delegated-scopes.js'
import { organisationOf } from '#domain/providers/organisation.js'
import { Providers } from '#domain/providers/providers.js'
import { type Finding, tryActing } from '#domain/providers/try-acting.js'
import { Database } from '#platform/database/database.js'
import { Log } from '#platform/observability/log.js'
import { newId, RandomSource } from '#platform/secrets/random.js'

/** Bounds one pass, and how many calls to providers are open at once for it. What is left is due again at the next. */
const PASS = 20

/** Finds out whether service accounts work that were said not to, and says so: the one step that changes their state. */
@Injectable()
export class ProbeServiceAccounts {
  constructor(
    private readonly database: Database,
    private readonly serviceAccounts: ServiceAccounts,
    private readonly states: ServiceAccountStates,
    private readonly someMailbox: FindSomeMailbox,
    private readonly providers: Providers,
    private readonly random: RandomSource,
    private readonly log: Log,
  ) {}

  /** @returns how many were due; those that another process has taken are its business */
  async probeDue(): Promise<number> {
    const claimed = await this.states.claimProbes(PASS)
    await Promise.all(claimed.map((claim) => this.#probe(claim)))
    return claimed.length
  }

  async #probe(claim: ClaimedProbe): Promise<void> {
    const account = await this.database.read((em) => this.serviceAccounts.find(em, claim.id))
    if (!account || account.revokedAt) return
    // No transaction is open here: a provider may take ten seconds, and locks must not.
    const { state, refusal } = await this.#find(account)
    const recorded = await this.states.recordProbe(claim, state, refusal?.key ?? null)
    const line = { service_account: claim.id, client: account.clientId, provider: account.provider }
    const found = {
      state: state ?? 'not found out',
      code: refusal?.key ?? null,
      until: recorded?.probe_at?.toISOString(),
    }
    if (recorded && recorded.state !== recorded.earlier && recorded.state !== 'active')
      this.log.warn('service_account.state_changed', { ...line, ...found })
    else this.log.info('service_account.probed', { ...line, ...found })
  }

  async #find(account: ServiceAccount): Promise<Pick<Finding, 'state'> & { refusal: { key: string } | null }> {
    try {
      const { credential, version } = await this.serviceAccounts.newestCredentialWithSecret(this.database, account)
      const kinds = mailboxKindsOf(account.scope)
      const mailboxes = await this.database.read((em) => this.someMailbox.findToTry(em, account, kinds))
      const permissions = permissionsOf(account.delegatedScope as DelegatedScope[])
      const organisation = organisationOf(account, credential, version)
      const provider = this.providers.organisation(account.provider)
      return await tryActing(provider, organisation, permissions, mailboxes, newId(this.random, 'try'))
    } catch (error) {
      // Ours to mend: a key that does not open a credential, a credential that is gone. It may pass as an outage does.
      this.log.failure('service_account.not_probed', error, { service_account: account.id })
      return { state: 'degraded', refusal: { key: 'operator.not_asked' } }
    }
  }
}
