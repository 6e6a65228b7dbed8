import { Injectable } from '@nestjs/common'
import type { ServiceAccount } from '#domain/credentials/service-account.entity.js'
import { mailboxKindsOf } from '#domain/credentials/service-account-scopes.js'
import { ServiceAccountStates } from '#domain/credentials/service-account-states.js'
import { ServiceAccounts } from '#domain/credentials/service-accounts.js'
import { FindSomeMailbox } from '#domain/grants/find-some-mailbox.js'
import type { CheckStep, OrganisationClaim, VerifiedOrganisation } from '#domain/providers/administrator.port.js'
import { parseCredential } from '#domain/providers/credential-codec.js'
import { type DelegatedScope, permissionsOf } from '#domain/providers/delegated-scopes.js'
import { Providers } from '#domain/providers/providers.js'
import { Clock, hours } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { ApiError, notFound } from '#platform/errors/api-error.js'
import { ProviderError } from '#platform/errors/provider-error.js'

/** A JWT that is five minutes off is refused by both providers. */
const CLOCK_MAY_DIFFER_SECONDS = 120
/** How long a change of the delegation may take to have effect at Google; Exchange takes two hours. */
const PROPAGATION = hours(24)

export interface Diagnosis {
  serviceAccount: ServiceAccount
  checkedAt: Date
  /** `unreachable`: the provider did not answer, which says nothing about the service account. */
  outcome: 'healthy' | 'broken' | 'unreachable'
  /** Whether the administrator's consent is so fresh that a missing permission may only be on its way. */
  recentlyAuthorised: boolean
  steps: CheckStep[]
}

/** Finds out live what is wrong with a service account, as an administrator's consent is checked. Changes nothing, but has what is well by now probed. */
@Injectable()
export class DiagnoseServiceAccount {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly serviceAccounts: ServiceAccounts,
    private readonly states: ServiceAccountStates,
    private readonly someMailbox: FindSomeMailbox,
    private readonly providers: Providers,
  ) {}

  /** @throws ApiError `not_found`, also for a revoked one: there is nothing left to mend */
  async diagnose(serviceAccountId: string): Promise<Diagnosis> {
    const account = await this.database.read((em) => this.serviceAccounts.find(em, serviceAccountId))
    if (!account || account.revokedAt) throw notFound('This service account')
    const checkedAt = this.clock.now()
    const steps = [await this.#clockStep(account)]
    const answered = await this.#check(account, steps)
    const failed = steps.some(({ outcome }) => outcome === 'failed')
    if (answered && !failed) await this.states.foundWell(account)
    return {
      serviceAccount: account,
      checkedAt,
      outcome: answered ? (failed ? 'broken' : 'healthy') : 'unreachable',
      recentlyAuthorised: checkedAt.getTime() - account.updatedAt.getTime() < PROPAGATION,
      steps,
    }
  }

  /** False when the provider was out of order. */
  async #check(account: ServiceAccount, steps: CheckStep[]): Promise<boolean> {
    try {
      const checking = this.providers.administrator(account.provider).checkOrganisation(await this.#claimOf(account))
      for (let next = await checking.next(); ; next = await checking.next()) {
        if (next.done) {
          if (next.value) steps.push(sameOrganisation(account, next.value))
          return true
        }
        steps.push(next.value)
      }
    } catch (error) {
      // The operator's credential is gone: nothing to try, and the reason to say.
      if (error instanceof ApiError) {
        const { publicText: problem, code: key } = error
        steps.push(step('credential', 'There is a credential to act with', 'failed', { problem, key }))
        return true
      }
      if (!(error instanceof ProviderError)) throw error
      const { problem, fix, key } = error.facts
      steps.push(step('provider', 'The provider answers', 'not-checked', { problem, fix, key }))
      return false
    }
  }

  async #claimOf(account: ServiceAccount): Promise<OrganisationClaim> {
    const { credential } = await this.serviceAccounts.credentialWithSecret(this.database, account)
    const mailbox = await this.database.read((em) => this.someMailbox.find(em, account.id))
    return {
      credential: parseCredential(credential),
      administratorEmail: account.administratorEmail,
      organisation: account.provider === 'google' ? account.domains[0]! : account.organisationId,
      provenBy: account.credentialSource === 'operator' ? 'sign-in' : 'possession',
      permissions: permissionsOf(account.delegatedScope as DelegatedScope[]),
      kinds: mailboxKindsOf(account.scope),
      ...(mailbox ? { mailbox } : {}),
    }
  }

  async #clockStep({ provider }: ServiceAccount): Promise<CheckStep> {
    const ahead = await this.providers.clockAheadSeconds(provider)
    const label = 'Our clock agrees with the provider’s'
    if (ahead === null) return step('clock', label, 'not-checked', { problem: 'The provider said no time.' })
    if (Math.abs(ahead) <= CLOCK_MAY_DIFFER_SECONDS) return step('clock', label, 'passed')
    return step('clock', label, 'failed', {
      problem: `It is ${Math.abs(ahead)} seconds ${ahead > 0 ? 'ahead' : 'behind'}.`,
      fix: 'Whoever runs this installation should set the clock of its machines by NTP, the database’s included.',
      key: 'operator.clock_wrong',
    })
  }
}

/** A domain can move to another customer of the provider; then it is somebody else who would be acted for. */
function sameOrganisation(account: ServiceAccount, found: VerifiedOrganisation): CheckStep {
  const label = `It is still ${account.organisationName}`
  if (found.id === account.organisationId) return step('same-organisation', label, 'passed')
  return step('same-organisation', label, 'failed', {
    problem: `The credential now opens another organisation, ${found.name}.`,
    fix: 'Revoke this service account, and let an administrator of the organisation authorise it anew.',
    key: `${account.provider}.organisation_mismatch`,
  })
}

const step = (id: string, label: string, outcome: CheckStep['outcome'], more: Partial<CheckStep> = {}): CheckStep => ({
  ...{ id, label, outcome, problem: '', fix: '', key: null, commands: [] },
  ...more,
})
