import { Injectable } from '@nestjs/common'
import { mailboxKindsOf } from '#domain/credentials/service-account-scopes.js'
import { ServiceAccounts } from '#domain/credentials/service-accounts.js'
import { newMailboxIds } from '#domain/grants/grant-mailbox.js'
import { type DelegatedScope, permissionsOf } from '#domain/providers/delegated-scopes.js'
import { organisationOf } from '#domain/providers/organisation.js'
import type { MailboxProof, Organisation } from '#domain/providers/provider.port.js'
import { mailboxReassigned } from '#domain/providers/provider-errors.js'
import { Providers } from '#domain/providers/providers.js'
import { after, Clock, days, minutes, seconds } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { ProviderError, type ProviderErrorFacts } from '#platform/errors/provider-error.js'
import { failPoint } from '#platform/fail-points/fail-point.js'
import { Log } from '#platform/observability/log.js'
import { Doorbell } from '#platform/queues/doorbell.js'
import { RandomSource } from '#platform/secrets/random.js'
import {
  type AskedRequest,
  CANCEL_WITHDRAWN,
  FIND_REQUEST,
  POSTPONE_MINT,
  RECORD_DENIAL,
  RECORD_GRANT,
} from './decision-statements.js'
import { DELIVER_CALLBACK, deliveryOf } from './delegated-access.jobs.js'
import { SWEEP_AFTER } from './request-lifecycle.js'

/** A provider that is still down then has, for this request, refused. */
const GIVE_UP_AFTER = days(3)

type Answer = { decision: 'granted'; proof: MailboxProof } | { decision: 'denied'; facts: ProviderErrorFacts }

/** Step 2: lets the provider decide whether we may act as the mailbox, and writes the decision down once. */
@Injectable()
export class MintAccess {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly serviceAccounts: ServiceAccounts,
    private readonly providers: Providers,
    private readonly random: RandomSource,
    private readonly doorbell: Doorbell,
    private readonly log: Log,
  ) {}

  /** When to ask again, where the provider has not answered yet; null when there is nothing left to ask. */
  async mint(requestId: string): Promise<Date | null> {
    const request = await this.database.runTogether(FIND_REQUEST, [requestId])
    // Decided already, perhaps by a run that was killed before it could ring.
    if (!request) return null
    if (request.decision !== 'pending') return this.#passOn(request)
    if (request.withdrawn) return this.#cancel(request)
    failPoint('mint-access.found')
    // No transaction is open here: a provider may take ten seconds, and locks must not.
    const answer = await this.#ask(request)
    failPoint('mint-access.answered')
    if (answer instanceof ProviderError) return this.#postpone(request, answer)
    const recorded = await this.#record(request, answer)
    failPoint('mint-access.decided')
    return recorded ? this.#passOn(request) : null
  }

  async #ask(request: AskedRequest): Promise<Answer | ProviderError> {
    const permissions = permissionsOf(request.scope as DelegatedScope[])
    const kinds = mailboxKindsOf(request.account_scope)
    try {
      const organisation = await this.#organisationOf(request)
      const provider = this.providers.organisation(request.provider)
      const proof = await provider.proveMailbox(organisation, request.email, permissions, kinds)
      if ((request.last_holder ?? proof.providerUserId) !== proof.providerUserId)
        throw mailboxReassigned(request.provider)
      return { decision: 'granted', proof }
    } catch (error) {
      const refusal = error instanceof ProviderError ? error : this.#notAsked(request, error)
      const stillWorthWaiting = this.clock.now() < after(request.created_at, GIVE_UP_AFTER)
      return refusal.retry !== 'never' && stillWorthWaiting ? refusal : { decision: 'denied', facts: refusal.facts }
    }
  }

  /** Ours to mend: a key that does not open a credential, a store that is away. It waits like a provider that is down. */
  #notAsked({ id, client_id: client, provider }: AskedRequest, error: unknown): ProviderError {
    this.log.failure('mint.not_asked', error, { request: id, client, provider })
    const fix = 'The operator has to look into it; ask again later.'
    const problem = 'The provider could not be asked, for a reason on our side.'
    return new ProviderError({ provider, key: 'operator.not_asked', class: 'retry', effect: 'operator', problem, fix })
  }

  async #organisationOf(request: AskedRequest): Promise<Organisation> {
    const owner = {
      id: request.service_account_id,
      clientId: request.client_id,
      provider: request.provider,
      credentialVersion: request.credential_version,
      sealedCredential: request.sealed_credential,
    }
    const { credential, version } = await this.serviceAccounts.credentialWithSecret(this.database, owner)
    const account = {
      organisationId: request.organisation_id,
      domains: request.domains,
      administratorEmail: request.administrator_email,
      cloud: request.cloud,
      updatedAt: request.authorised_at,
    }
    return organisationOf(account, credential, version)
  }

  /** Waits as long as the provider asked, else as long again as the request has waited already. */
  async #postpone(request: AskedRequest, { retry, code }: ProviderError): Promise<Date> {
    const now = this.clock.now()
    const age = now.getTime() - request.created_at.getTime()
    const wait = typeof retry === 'object' ? seconds(retry.after) : Math.min(Math.max(age, seconds(2)), minutes(10))
    const again = after(now, wait)
    await this.database.run(POSTPONE_MINT, [request.id, after(again, SWEEP_AFTER)])
    failPoint('mint-access.postponed')
    this.log.info('mint.postponed', { request: request.id, client: request.client_id, code, retryInMs: wait })
    return again
  }

  /** False when another run decided first: an ordinary ending. */
  async #record(request: AskedRequest, answer: Answer): Promise<boolean> {
    const recorded =
      answer.decision === 'granted' ? await this.#grant(request, answer.proof) : await this.#deny(request, answer.facts)
    this.log.info('mint.decided', {
      request: request.id,
      client: request.client_id,
      provider: request.provider,
      decision: recorded ? answer.decision : 'decided before',
      code: answer.decision === 'denied' ? answer.facts.key : null,
    })
    return recorded
  }

  async #grant(request: AskedRequest, { email, kind, displayName, providerUserId }: MailboxProof): Promise<boolean> {
    const now = this.clock.now()
    const recorded = await this.database.runTogether(RECORD_GRANT, [
      request.id,
      now,
      after(now, SWEEP_AFTER),
      ...newMailboxIds(this.random),
      ...[email, kind, displayName, providerUserId],
    ])
    return recorded !== undefined
  }

  async #deny(request: AskedRequest, { key, problem, fix }: ProviderErrorFacts): Promise<boolean> {
    const now = this.clock.now()
    // `unable_to_grant_scope` is the vendor's one documented value; every other refusal is called by OAuth's own word.
    const error = /scope|permission/.test(key) ? 'unable_to_grant_scope' : 'access_denied'
    const description = fix ? `${problem} ${fix}` : problem
    const values = [request.id, now, after(now, SWEEP_AFTER), error, key, description]
    const [recorded] = await this.database.run(RECORD_DENIAL, values)
    return recorded !== undefined
  }

  async #passOn({ id, callback_url: callbackUrl }: AskedRequest): Promise<null> {
    await this.doorbell.ring(DELIVER_CALLBACK, [deliveryOf({ id, callbackUrl })])
    failPoint('mint-access.rung')
    return null
  }

  async #cancel(request: AskedRequest): Promise<null> {
    await this.database.run(CANCEL_WITHDRAWN, [request.id, this.clock.now()])
    this.log.info('mint.cancelled', { request: request.id, client: request.client_id })
    return null
  }
}
