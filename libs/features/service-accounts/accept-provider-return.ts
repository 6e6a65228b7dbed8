import { Injectable } from '@nestjs/common'
import type { ProviderName } from '#domain/providers/provider.port.js'
import { Providers } from '#domain/providers/providers.js'
import { Clock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import type { ProviderError } from '#platform/errors/provider-error.js'
import type { AwaitedReturn, Consent } from './consent.entity.js'
import { Consents } from './consents.js'
import { FinishSignIn, type SignedIn } from './finish-sign-in.js'
import type { EndingName } from './pages/ending.page.js'
import { isAwaited } from './provider-return-state.js'
import { ConsentStop } from './service-accounts.errors.js'

/** What a provider's redirect carried. All of it is hearsay but `state`, which we made. */
export interface ProviderReturn {
  provider: ProviderName
  state: string
  code: string | null
  error: string | null
  errorDescription: string | null
}

/** The browser comes back from the provider, from the sign-in or from Microsoft's second screen. */
@Injectable()
export class AcceptProviderReturn {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly consents: Consents,
    private readonly providers: Providers,
    private readonly finishSignIn: FinishSignIn,
  ) {}

  /**
   * @returns the cookie and where to go next; null when the check can begin with the cookie that the browser has
   * @throws ConsentStop; ProviderError
   */
  async accept(consent: Consent, returned: ProviderReturn): Promise<SignedIn | null> {
    const purpose = await this.#claim(consent, returned)
    if (returned.error !== null) throw this.#declined(purpose, returned)
    if (purpose === 'sign-in') {
      if (!returned.code) throw new ConsentStop('badRequest')
      return this.finishSignIn.finish(consent, returned.state, returned.code)
    }
    // `tenant` and `admin_consent` are not even read: anybody can write them into an address. The check asks Microsoft.
    await this.#move(consent, 'checking')
    return null
  }

  /** Before anything else, so that a second visit to the same address finds nothing. */
  async #claim(consent: Consent, { provider, state }: ProviderReturn): Promise<AwaitedReturn['purpose']> {
    const awaited = consent.awaitedReturn
    if (!awaited || consent.provider !== provider || !isAwaited(consent, state, this.clock.now()))
      throw new ConsentStop('returnUsed')
    await this.#move(consent, 'preparing')
    return awaited.purpose
  }

  async #move(consent: Consent, to: 'preparing' | 'checking'): Promise<void> {
    const moved = await this.database.inTransaction((tx) =>
      this.consents.move(tx, consent, to, { awaitedReturn: null }),
    )
    if (!moved) throw new ConsentStop('returnUsed')
    consent.revision += 1
    consent.awaitedReturn = null
  }

  #declined(purpose: AwaitedReturn['purpose'], returned: ProviderReturn): ConsentStop {
    const refusal = this.providers
      .administrator(returned.provider)
      .refusalOf({ error: returned.error!, description: returned.errorDescription ?? '' })
    const ending = endingOf(refusal, purpose)
    return new ConsentStop(ending, { shown: refusal.facts.problem, detail: refusal.message })
  }
}

const ENDINGS: Record<string, EndingName> = {
  'google.sign_in_declined': 'signInDeclined',
  'microsoft.consent_wrong_directory': 'wrongDirectory',
  'microsoft.consent_needs_admin': 'consentNeedsAdministrator',
}

function endingOf({ code }: ProviderError, purpose: AwaitedReturn['purpose']): EndingName {
  if (code === 'microsoft.consent_declined') return purpose === 'sign-in' ? 'signInDeclined' : 'consentDeclined'
  return ENDINGS[code] ?? 'signInFailed'
}
