import { Injectable } from '@nestjs/common'
import { AuthenticateClient } from '#domain/clients/authenticate-client.js'
import type { Client } from '#domain/clients/client.entity.js'
import { Database } from '#platform/database/database.js'
import { OAuthError } from '#platform/errors/oauth-error.js'

export interface PresentedCredentials {
  clientId?: string
  clientSecret?: string
  authorization?: string
}

const refused = (detail: string) => new OAuthError('invalid_client', 'Client authentication failed.', { detail })

/** Who calls an OAuth endpoint: `client_secret_post` or `client_secret_basic`, one of them (RFC 6749 section 2.3). */
@Injectable()
export class Caller {
  constructor(
    private readonly database: Database,
    private readonly clients: AuthenticateClient,
  ) {}

  /** @throws OAuthError invalid_client, invalid_request */
  async authenticate(presented: PresentedCredentials): Promise<Client> {
    const { id, secret } = fromBasic(presented) ?? fromBody(presented)
    const client = await this.database.read((em) => this.clients.authenticate(em, id, secret))
    if (!client) throw refused('unknown or disabled client, or a wrong secret')
    return client
  }
}

/** SDKs send `Bearer undefined` and the like beside a body; only Basic is client authentication. */
function fromBasic({ authorization, clientSecret, clientId }: PresentedCredentials) {
  const [, encoded] = /^basic +(\S+)$/i.exec(authorization ?? '') ?? []
  if (!encoded) return null
  if (clientSecret !== undefined)
    throw new OAuthError('invalid_request', 'Use one way of client authentication, not two.')
  const [id, secret] = Buffer.from(encoded, 'base64').toString('utf8').split(/:(.*)/s).map(formDecoded)
  if (!id || !secret || id.includes('\0')) throw refused('the Basic header cannot be read')
  if (clientId !== undefined && clientId !== id)
    throw new OAuthError('invalid_request', 'client_id differs from the one in the Authorization header.')
  return { id, secret }
}

function fromBody({ clientId, clientSecret }: PresentedCredentials) {
  if (!clientId || !clientSecret) throw refused('client_id or client_secret is missing')
  return { id: clientId, secret: clientSecret }
}

/** RFC 6749 section 2.3.1 encodes both halves as form values. */
function formDecoded(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return null
  }
}
