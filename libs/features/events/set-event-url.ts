import { Injectable } from '@nestjs/common'
import { recordAct } from '#domain/audit/record-act.js'
import type { Client } from '#domain/clients/client.entity.js'
import { Clients } from '#domain/clients/clients.js'
import { Clock } from '#platform/clock/clock.js'
import { Database } from '#platform/database/database.js'
import { allowUrl } from '#platform/egress/allowed-url.js'
import { EgressPolicy } from '#platform/egress/egress-policy.js'
import { EgressError } from '#platform/errors/egress-error.js'
import { invalidField } from '#platform/errors/validation-error.js'
import { Log } from '#platform/observability/log.js'

/** Where a client is told of changes. What has not been told yet goes to the new URL. */
@Injectable()
export class SetEventUrl {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly clients: Clients,
    private readonly egress: EgressPolicy,
    private readonly log: Log,
  ) {}

  /**
   * @param url held to the rules of a callback URL; null: it is told nothing
   * @throws ApiError not_found; ValidationError on `event_url`
   */
  async set(clientId: string, url: string | null): Promise<Client> {
    const client = await this.database.inTransaction(async (tx) => {
      const client = await this.clients.getLocked(tx, clientId)
      if (url !== null) this.#refuse(url, client)
      client.eventUrl = url
      const details = { host: url === null ? null : new URL(url).host }
      await recordAct(tx, { clientId, at: this.clock.now(), act: 'client.event_url_set', subject: clientId, details })
      return client
    })
    this.log.info('client.event_url_set', { client: clientId })
    return client
  }

  #refuse(text: string, { callbackOrigins }: Client): void {
    try {
      const { origin } = allowUrl(text, this.egress)
      if (callbackOrigins.includes(origin)) return
      throw invalidField('event_url', 'errors.not_registered', `${origin} is not a callback origin of this client`)
    } catch (error) {
      if (!(error instanceof EgressError)) throw error
      throw invalidField('event_url', 'errors.not_allowed', error.publicText)
    }
  }
}
