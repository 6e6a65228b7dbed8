import { setTimeout as pause } from 'node:timers/promises'
import { Injectable } from '@nestjs/common'
import type { CheckStep, OrganisationClaim, VerifiedOrganisation } from '#domain/providers/administrator.port.js'
import { seconds } from '#platform/clock/clock.js'
import { ProviderError } from '#platform/errors/provider-error.js'
import { Log } from '#platform/observability/log.js'
import { askerOf } from '#platform/pages/asker.js'
import type { Frame } from '#platform/pages/document.js'
import { CheckOrganisation } from '../check-organisation.js'
import type { Visit } from '../open-consent.js'
import {
  type CheckVerdict,
  checkListEnds,
  checkListOpens,
  checkPage,
  renderCheckStep,
  renderVerdict,
  renderWaiting,
} from '../pages/check.page.js'
import { ConsentStop } from '../service-accounts.errors.js'
import { formTarget } from './consent-views.js'

/** Nobody should wonder for longer whether anything is happening. */
const SILENCE = seconds(1)

/** Writes the check page while the check runs. */
@Injectable()
export class StreamCheck {
  constructor(
    private readonly checkOrganisation: CheckOrganisation,
    private readonly log: Log,
  ) {}

  async *stream(visit: Visit, claim: OrganisationClaim, frame: Frame): AsyncGenerator<string> {
    const { consent, client } = visit
    const provider = consent.provider!
    const page = () =>
      checkPage({ frame, target: formTarget(visit), asker: askerOf(client, consent.redirectUri), provider })
    yield page().before + checkListOpens
    const verdict = yield* this.#lines(visit, claim, frame)
    this.log.info('consent.checked', { request: frame.requestId, consent: consent.id, provider, verdict: verdict.kind })
    yield checkListEnds + renderVerdict(verdict, { provider, target: formTarget(visit) })
    // The result was a move, so the forms below it need the token of the new revision.
    yield page().after
  }

  /** The status has been sent long ago, so whatever goes wrong is said in the page. */
  async *#lines({ consent }: Visit, claim: OrganisationClaim, frame: Frame): AsyncGenerator<string, CheckVerdict> {
    const steps = this.checkOrganisation.check(consent, claim)
    const failed: string[] = []
    try {
      for (;;) {
        const next = steps.next()
        if (await isSlow(next)) yield renderWaiting(consent.provider!)
        const result: IteratorResult<CheckStep, VerifiedOrganisation | null> = await next
        if (result.done) return verdictOf(result.value, failed, claim)
        if (result.value.outcome === 'failed') failed.push(result.value.id)
        yield renderCheckStep(result.value)
      }
    } catch (error) {
      this.log.failure('consent.check_failed', error, { request: frame.requestId, consent: consent.id })
      if (error instanceof ProviderError) return { kind: 'outage' }
      return { kind: error instanceof ConsentStop ? 'overtaken' : 'broken' }
    }
  }
}

function verdictOf(
  organisation: VerifiedOrganisation | null,
  failed: string[],
  claim: OrganisationClaim,
): CheckVerdict {
  if (organisation) return { kind: 'passed', organisation: organisation.name }
  const signedIn = claim.provenBy === 'sign-in'
  return {
    kind: 'failed',
    credentialSource: signedIn ? 'operator' : 'customer',
    // Administrators at Microsoft often have no mailbox of their own; at Google we act as nobody else.
    otherMailbox: signedIn && claim.credential.provider === 'microsoft' && failed.includes('mailbox'),
  }
}

/** The answer itself is awaited, and its failure caught, by whoever asks this. */
function isSlow(answer: Promise<unknown>): Promise<boolean> {
  const answered = answer.then(
    () => false,
    () => false,
  )
  return Promise.race([pause(SILENCE, true, { ref: false }), answered])
}
