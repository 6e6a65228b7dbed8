import { Injectable } from '@nestjs/common'
import { mailboxKindsOf } from '#domain/credentials/service-account-scopes.js'
import { isOutage, ServiceAccountStates } from '#domain/credentials/service-account-states.js'
import { ServiceAccounts } from '#domain/credentials/service-accounts.js'
import { newMailboxIds } from '#domain/grants/grant-mailbox.js'
import { type DelegatedScope, permissionsOf } from '#domain/providers/delegated-scopes.js'
import { inWords, meaningOf, OPERATOR_ERRORS } from '#domain/providers/error-meaning.js'
import { organisationOf } from '#domain/providers/organisation.js'
import type { MailboxProof, Organisation } from '#domain/providers/provider.port.js'
import { mailboxReassigned } from '#domain/providers/provider-errors.js'
import { Providers } from '#domain/providers/providers.js'
import { ABOUT_SOME_PERHAPS } from '#domain/providers/try-acting.js'
import { after, Clock, days, minutes, seconds } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { ProviderError, type ProviderErrorFacts } from '#platform/errors/provider-error.js'
import { failPoint } from '#platform/fail-points/fail-point.js'
import { Log } from '#platform/observability/log.js'
import { Doorbell } from '#platform/queues/doorbell.js'
import { RandomSource } from '#platform/secrets/random.js'
import {
  type AskedRequest,
  AWAIT_PROBE,
  CANCEL_WITHDRAWN,
  FIND_REQUEST,
  type GrantedRequest,
  HOLD_REQUEST,
  POSTPONE_MINT,
  RECORD_DENIAL,
  RECORD_GRANT,
} from './decision-statements.js'
import { DELIVER_CALLBACK, type Delivery, deliveryOf } from './delegated-access.jobs.js'
import { MINTS } from './delegated-access.metrics.js'
import { DeliverCallback, type FirstCallback } from './deliver-callback.js'
import { SWEEP_AFTER } from './request-lifecycle.js'

/** A provider that is still down then has, for this request, refused. */
const GIVE_UP_AFTER = days(3)

/** By then a probe has told whether a refusal is about the service account or about this request. */
const LOOK_AGAIN_AFTER = seconds(5)

type Denial = { decision: 'denied'; facts: Pick<ProviderErrorFacts, 'key' | 'problem' | 'fix'> }
type Answer = { decision: 'granted'; proof: MailboxProof } | Denial
/** Not an answer yet: to be asked again, or to be looked into. */
type NoAnswer = ProviderError | 'to be probed'

/** Step 2: lets the provider decide whether we may act as the mailbox, and writes the decision down once. */
@Injectable()
export class MintAccess {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly serviceAccounts: ServiceAccounts,
    private readonly states: ServiceAccountStates,
    private readonly providers: Providers,
    private readonly random: RandomSource,
    private readonly callbacks: DeliverCallback,
    private readonly doorbell: Doorbell,
    private readonly log: Log,
  ) {}

  /** When to ask again, where the provider has not answered yet; null when there is nothing left to ask. */
  async mint(requestId: string): Promise<Date | null> {
    const request = await this.database.runTogether(FIND_REQUEST, [requestId])
    // Decided already, perhaps by a run that was killed before it could ring.
    if (!request) return null
    if (request.decision !== 'pending') return this.#passOn(deliveryTo(request))
    if (request.withdrawn) return this.#cancel(request)
    failPoint('mint-access.found')
    if (request.state === 'failing' && !this.#patienceEnds(request) && (await this.#hold(request))) return null
    // No transaction is open here: a provider may take ten seconds, and locks must not.
    const answer = await this.#answerTo(request)
    failPoint('mint-access.answered')
    if (answer === 'to be probed') return this.#awaitProbe(request)
    if (answer instanceof ProviderError) return this.#postpone(request, answer)
    return answer.decision === 'granted' ? this.#grant(request, answer.proof) : this.#deny(request, answer.facts)
  }

  #answerTo(request: AskedRequest): Promise<Answer | NoAnswer> | Denial {
    const { state, state_reason: key, scope, narrowed_to: allowed } = request
    if (allowed && !scope.every((name) => allowed.includes(name)))
      return { decision: 'denied', facts: { key: 'scope.narrowed', ...meaningOf('scope.narrowed') } }
    // It has waited long enough for its service account, and is told what that waits for.
    if (state === 'failing' && key && this.#patienceEnds(request))
      return { decision: 'denied', facts: { key, ...meaningOf(key) } }
    return this.#ask(request)
  }

  async #ask(request: AskedRequest): Promise<Answer | NoAnswer> {
    const permissions = permissionsOf(request.scope as DelegatedScope[])
    const kinds = mailboxKindsOf(request.account_scope)
    const account = { id: request.service_account_id, state: request.state, stateReason: request.state_reason }
    try {
      const organisation = await this.#organisationOf(request)
      const provider = this.providers.organisation(request.provider)
      const proof = await provider.proveMailbox(organisation, request.email, permissions, kinds)
      await this.states.worked(account)
      if ((request.last_holder ?? proof.providerUserId) !== proof.providerUserId)
        throw mailboxReassigned(request.provider)
      return { decision: 'granted', proof }
    } catch (error) {
      const refusal = error instanceof ProviderError ? error : this.#notAsked(request, error)
      await this.states.refused(account, refusal)
      return this.#judge(request, refusal)
    }
  }

  /**
   * A refusal ends one request when it is about its mailbox. What is about the service account is waited out with it, and
   * only a probe can tell: Google says the same of one person who has never signed in as of scopes that nobody was given.
   */
  #judge(request: AskedRequest, refusal: ProviderError): Answer | NoAnswer {
    const denied = { decision: 'denied', facts: refusal.facts } as const
    if (this.#patienceEnds(request)) return denied
    if (refusal.retry !== 'never') return refusal
    if (refusal.facts.effect === 'mailbox') return denied
    const { held_since: refusedAt, probed_at: probedAt, state_reason: reason } = request
    const isTold = refusedAt && probedAt && probedAt >= refusedAt && !isOutage(reason)
    if (!isTold) return 'to be probed'
    const isUnknownYet = refusal.code === ABOUT_SOME_PERHAPS && reason !== ABOUT_SOME_PERHAPS
    return isUnknownYet ? new ProviderError({ ...refusal.facts, class: 'retry' }) : denied
  }

  #patienceEnds({ created_at: since }: AskedRequest): boolean {
    return this.clock.now() >= after(since, GIVE_UP_AFTER)
  }

  /** False when the service account is not failing any more. */
  async #hold(request: AskedRequest): Promise<boolean> {
    const now = this.clock.now()
    const [held] = await this.database.run(HOLD_REQUEST, [request.id, now, after(request.created_at, GIVE_UP_AFTER)])
    if (!held) return false
    MINTS.count({ provider: request.provider, outcome: 'held' })
    this.log.info('mint.held', { request: request.id, client: request.client_id, code: request.state_reason })
    return true
  }

  async #awaitProbe({ id, client_id: client, provider }: AskedRequest): Promise<Date> {
    const now = this.clock.now()
    const again = after(now, LOOK_AGAIN_AFTER)
    await this.database.run(AWAIT_PROBE, [id, now, after(again, SWEEP_AFTER)])
    MINTS.count({ provider, outcome: 'postponed' })
    this.log.info('mint.awaits_probe', { request: id, client })
    return again
  }

  /** Ours to mend: a key that does not open a credential, a store that is away. It waits like a provider that is down. */
  #notAsked({ id, client_id: client, provider }: AskedRequest, error: unknown): ProviderError {
    this.log.failure('mint.not_asked', error, { request: id, client, provider })
    return new ProviderError({ provider, key: 'operator.not_asked', ...OPERATOR_ERRORS['operator.not_asked'] })
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
    MINTS.count({ provider: request.provider, outcome: 'postponed' })
    this.log.info('mint.postponed', { request: request.id, client: request.client_id, code, retryInMs: wait })
    return again
  }

  /** And takes the first attempt at its callback in the same statement, where there is a place for it. */
  async #grant(request: AskedRequest, proof: MailboxProof): Promise<null> {
    const delivery = deliveryTo(request)
    const attempt = await this.callbacks.beginFirst(delivery)
    try {
      const granted = await this.#recordGrant(request, proof, attempt)
      this.#tell(request, granted ? 'granted' : 'decided before', null)
      failPoint('mint-access.decided')
      if (!granted) return null
      const isTold = granted.is_claimed && (await attempt?.make(granted))
      return await this.#leaveUnless(isTold ?? false, delivery)
    } finally {
      attempt?.release()
    }
  }

  /** Undefined when another run decided first: an ordinary ending. */
  #recordGrant(
    { id }: AskedRequest,
    { email, kind, displayName, providerUserId }: MailboxProof,
    attempt: FirstCallback | null,
  ): Promise<GrantedRequest | undefined> {
    const now = this.clock.now()
    return this.database.runTogether(RECORD_GRANT, [
      ...([id, now, after(now, SWEEP_AFTER), ...newMailboxIds(this.random)] as const),
      ...[email, kind, displayName, providerUserId],
      ...[attempt?.leaseUntil, attempt?.codeHash, attempt?.codeExpiresAt],
    ])
  }

  async #deny(request: AskedRequest, { key, problem, fix }: Denial['facts']): Promise<null> {
    const now = this.clock.now()
    // `unable_to_grant_scope` is the vendor's one documented value; every other refusal is called by OAuth's own word.
    const error = /scope|permission/.test(key) ? 'unable_to_grant_scope' : 'access_denied'
    const values = [request.id, now, after(now, SWEEP_AFTER), error, key, inWords({ problem, fix })]
    const [denied] = await this.database.run(RECORD_DENIAL, values)
    this.#tell(request, denied ? 'denied' : 'decided before', key)
    failPoint('mint-access.decided')
    return denied ? this.#passOn(deliveryTo(request)) : null
  }

  #tell(request: AskedRequest, decision: 'granted' | 'denied' | 'decided before', code: string | null): void {
    const { id, client_id: client, provider } = request
    MINTS.count({ provider, outcome: decision })
    this.log.info('mint.decided', { request: id, client, provider, decision, code })
  }

  async #passOn(delivery: Delivery): Promise<null> {
    return this.#leaveUnless(await this.callbacks.deliverAtOnce(delivery), delivery)
  }

  async #leaveUnless(isTold: boolean, delivery: Delivery): Promise<null> {
    failPoint('mint-access.told')
    if (!isTold) await this.doorbell.ring(DELIVER_CALLBACK, [delivery])
    return null
  }

  async #cancel(request: AskedRequest): Promise<null> {
    await this.database.run(CANCEL_WITHDRAWN, [request.id, this.clock.now()])
    MINTS.count({ provider: request.provider, outcome: 'cancelled' })
    this.log.info('mint.cancelled', { request: request.id, client: request.client_id })
    return null
  }
}

const deliveryTo = ({ id, client_id: clientId, callback_host: callbackHost }: AskedRequest): Delivery =>
  deliveryOf({ id, clientId, callbackHost })
