import { Injectable } from '@nestjs/common'
import type { Client } from '#domain/clients/client.entity.js'
import { Clients } from '#domain/clients/clients.js'
import { Clock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { Secret } from '#platform/secrets/secret.js'
import type { Consent } from './consent.entity.js'
import { isOver } from './consent-journey.js'
import { isBrowserOf, revisionOf } from './consent-session.js'
import { Consents } from './consents.js'
import { ConsentStop } from './service-accounts.errors.js'

/** A browser that has shown that it may see this consent. */
export interface Visit {
  consent: Consent
  client: Client
  cookie: Secret<string>
}

/** What comes before every page and every form. */
@Injectable()
export class OpenConsent {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly clients: Clients,
    private readonly consents: Consents,
  ) {}

  /** For a page. @throws ConsentStop */
  async open(id: string, cookie: string | undefined): Promise<Visit> {
    const visit = await this.#recognise(id, cookie)
    if (isOver(visit.consent.step)) throw overStop(visit.consent)
    return visit
  }

  /** For a form: it must be of our own making, and of the page that this consent is at. @throws ConsentStop */
  async openForForm(id: string, cookie: string | undefined, csrf: string): Promise<Visit> {
    const { visit, revision } = await this.#recogniseForm(id, cookie, csrf)
    if (isOver(visit.consent.step)) throw overStop(visit.consent)
    if (revision !== visit.consent.revision) throw new ConsentStop('outOfDate')
    return visit
  }

  /**
   * For Allow and Deny, which may come twice by a double click. `again` is true for the very form that ended this
   * consent with this answer.
   * @throws ConsentStop
   */
  async openForAnswer(
    id: string,
    cookie: string | undefined,
    csrf: string,
    answer: 'allowed' | 'denied',
  ): Promise<Visit & { again: boolean }> {
    const { visit, revision } = await this.#recogniseForm(id, cookie, csrf)
    const { consent } = visit
    if (!isOver(consent.step) && revision === consent.revision) return { ...visit, again: false }
    if (consent.step === answer && revision === consent.revision - 1) return { ...visit, again: true }
    throw isOver(consent.step) ? overStop(consent) : new ConsentStop('outOfDate')
  }

  async #recogniseForm(id: string, cookie: string | undefined, csrf: string) {
    const visit = await this.#recognise(id, cookie)
    const revision = revisionOf(csrf, visit.cookie, visit.consent.id)
    if (revision === null) throw new ConsentStop('foreignForm')
    return { visit, revision }
  }

  async #recognise(id: string, cookie: string | undefined): Promise<Visit> {
    const { consent, client } = await this.database.read(async (em) => {
      const consent = /^con_[0-9a-f]{24}$/.test(id) ? await this.consents.find(em, id) : null
      return { consent, client: consent && (await this.clients.find(em, consent.clientId)) }
    })
    if (!consent) throw new ConsentStop('notFound')
    if (!cookie || !isBrowserOf(consent, cookie)) throw new ConsentStop('otherBrowser')
    if (!isOver(consent.step) && consent.expiresAt <= this.clock.now()) throw new ConsentStop('expired')
    if (!client || client.disabledAt || !client.redirectUris.includes(consent.redirectUri))
      throw new ConsentStop('clientChanged')
    return { consent, client, cookie: new Secret(cookie) }
  }
}

const overStop = ({ step }: Consent) => new ConsentStop(step === 'allowed' ? 'alreadyAllowed' : 'alreadyDenied')
