import type { IncomingHttpHeaders } from 'node:http'
import { Inject, Injectable } from '@nestjs/common'
import type { Grant } from '#domain/grants/grant.entity.js'
import { type DelegatedPermission, isDelegatedScope, permissionsOf } from '#domain/providers/delegated-scopes.js'
import type { ProviderName, ProviderReadAnswer } from '#domain/providers/provider.port.js'
import { Clock } from '#platform/clock/clock.js'
import type { HttpSettings } from '#platform/config/settings.js'
import { HTTP_SETTINGS } from '#platform/config/tokens.js'
import { ProviderError } from '#platform/errors/provider-error.js'
import { retryAfterSeconds } from '#platform/http/retry-after.js'
import { Log } from '#platform/observability/log.js'
import type { LogFields } from '#platform/observability/log-fields.js'
import type { AdmittedRead } from './admit-read.js'
import { admitGoogleRead } from './google-reads.js'
import { withLinksThroughUs } from './microsoft-links.js'
import { admitMicrosoftRead } from './microsoft-reads.js'
import { OpenMailbox, type ReadAccount } from './open-mailbox.js'
import { headersToCaller, headersToProvider } from './passed-headers.js'
import { callerLeft, methodNotAllowed, notAdmitted, providerFailed } from './proxy.errors.js'
import { RecordRead } from './record-read.js'
import { cutTarget } from './request-target.js'

export interface ProxiedRequest {
  id: string
  provider: ProviderName
  method: string
  /** As it stands in the request line. */
  target: string
  headers: IncomingHttpHeaders
  /** Aborted when the caller goes away. */
  signal: AbortSignal
}

export interface ProxiedAnswer {
  status: number
  headers: Record<string, string>
  body: AsyncIterable<Uint8Array> | Buffer
}

/** A read at the provider with the mailbox's credential put in: admitted first, then asked, then passed back. */
@Injectable()
export class ReadAsMailbox {
  constructor(
    private readonly openMailbox: OpenMailbox,
    private readonly clock: Clock,
    private readonly recordRead: RecordRead,
    private readonly log: Log,
    @Inject(HTTP_SETTINGS) private readonly http: HttpSettings,
  ) {}

  /** @throws ApiError, ValidationError */
  async read(grant: Grant, asked: ProxiedRequest): Promise<ProxiedAnswer> {
    const mailbox = await this.openMailbox.open(grant)
    const { account } = mailbox
    // What an account may have been connected for besides calendars, the proxy does not read.
    const permissions = permissionsOf(grant.scope.filter(isDelegatedScope))
    const { shape, ...admitted } = admit(asked, account, permissions)
    const unwanted = new AbortController()
    const signal = AbortSignal.any([asked.signal, unwanted.signal])
    const startedAt = this.clock.now()
    const note = (event: string, outcome: LogFields) =>
      this.log.info(event, {
        request: asked.id,
        client: grant.clientId,
        grant: grant.id,
        account: account.id,
        shape,
        ...outcome,
        ms: this.clock.now().getTime() - startedAt.getTime(),
      })
    try {
      const read = { ...admitted, headers: headersToProvider(asked.headers), signal }
      const answer = await mailbox.read(permissions, read)
      note('proxy.answered', { status: answer.status })
      if (answer.status < 400) await this.recordRead.record(grant, account)
      const noteBreak = () => asked.signal.aborted || note('proxy.failed', { code: 'provider.broke_off' })
      return await this.#passBack(answer, account, noteBreak)
    } catch (error) {
      unwanted.abort()
      if (asked.signal.aborted) throw callerLeft()
      if (!(error instanceof ProviderError)) throw error
      note('proxy.failed', { code: error.code })
      throw error
    }
  }

  /**
   * The provider's refusals of the call itself (4xx) go back as they are: they answer the caller's question, in the words
   * that the caller's library knows. Its failures (5xx, a redirect, a page of HTML) answer nothing and become ours.
   */
  async #passBack(
    { status, headers, body }: ProviderReadAnswer,
    account: ReadAccount,
    noteBreak: () => void,
  ): Promise<ProxiedAnswer> {
    const json = /^application\/(?:[\w.]+\+)?json\b/i.test(headers['content-type'] ?? '')
    const answers = status === 304 || (json && (status < 300 || (status >= 400 && status < 500)))
    if (!answers) {
      const retryAfter = retryAfterSeconds(headers['retry-after'], this.clock.now())
      throw providerFailed('The provider is having trouble and did not answer properly.', { retryAfter })
    }
    const mount = new URL(mountOf('microsoft'), this.http.publicUrl)
    const whole = wholeOf(body, noteBreak)
    const linked = account.provider === 'microsoft' && status === 200
    return {
      status,
      headers: headersToCaller(headers),
      body: linked ? await withLinksThroughUs(whole, mount, account.providerUserId) : whole,
    }
  }
}

const mountOf = (provider: ProviderName) => `/v1/proxy/${provider}/`
const NAMES = { google: 'Google', microsoft: 'Microsoft' }

/** @throws ApiError method_not_allowed, not_admitted, insufficient_scope */
function admit(
  { provider, method, target }: ProxiedRequest,
  account: ReadAccount,
  permissions: readonly DelegatedPermission[],
): AdmittedRead {
  if (method !== 'GET' && method !== 'HEAD') throw methodNotAllowed()
  if (provider !== account.provider) {
    const where = `its calendar is at ${NAMES[account.provider]}, under ${mountOf(account.provider)}`
    throw notAdmitted('the other provider', `This mailbox is not at ${NAMES[provider]}: ${where}.`)
  }
  const admitRead = { google: admitGoogleRead, microsoft: admitMicrosoftRead }[provider]
  return admitRead(cutTarget(target, mountOf(provider)), account, permissions)
}

/** An answer that breaks off before its first byte can still be answered properly; later, all we can do is break off too. */
async function* wholeOf(body: AsyncIterable<Uint8Array>, noteBreak: () => void): AsyncGenerator<Uint8Array> {
  try {
    yield* body
  } catch (cause) {
    noteBreak()
    throw providerFailed('The provider broke off in the middle of its answer.', { cause })
  }
}
