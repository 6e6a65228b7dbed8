import type { IncomingHttpHeaders } from 'node:http'
import { Inject, Injectable } from '@nestjs/common'
import { type DelegatedPermission, isDelegatedScope, permissionsOf } from '#domain/providers/delegated-scopes.js'
import type { MailboxAnswer, ProviderName } from '#domain/providers/provider.port.js'
import { Clock } from '#platform/clock/clock.js'
import type { HttpSettings } from '#platform/config/settings.js'
import { HTTP_SETTINGS } from '#platform/config/tokens.js'
import { ProviderError } from '#platform/errors/provider-error.js'
import { unsupportedMediaType } from '#platform/http/refuse-requests.js'
import { retryAfterSeconds } from '#platform/http/retry-after.js'
import { Log } from '#platform/observability/log.js'
import type { LogFields } from '#platform/observability/log-fields.js'
import type { AdmittedCall } from './admit-call.js'
import { admitGoogleCall } from './google-calls.js'
import { admitMicrosoftCall } from './microsoft-calls.js'
import { withLinksThroughUs } from './microsoft-links.js'
import { type CalledAccount, type CalledGrant, OpenMailbox } from './open-mailbox.js'
import { headersToCaller, headersToProvider } from './passed-headers.js'
import { answerLost, callerLeft, notAdmitted, outcomeUnknown } from './proxy.errors.js'
import { RecordUse } from './record-use.js'
import { refuseBindings } from './refuse-bindings.js'
import { refuseCancelling } from './refuse-cancelling.js'
import { cutTarget } from './request-target.js'
import { sendOnce } from './send-once.js'

export interface ProxiedRequest {
  id: string
  provider: ProviderName
  method: string
  /** As it stands in the request line. */
  target: string
  headers: IncomingHttpHeaders
  body: AsyncIterable<Uint8Array> | null
  /** Of what is done for it. Aborted when the caller goes away. */
  wanted: AbortController
}

export interface ProxiedAnswer {
  status: number
  headers: Record<string, string>
  body: AsyncIterable<Uint8Array> | Buffer
}

/** A call at the provider with the mailbox's credential put in: admitted first, then sent, then the answer is passed back. */
@Injectable()
export class CallAsMailbox {
  readonly #microsoftMount: URL

  constructor(
    private readonly openMailbox: OpenMailbox,
    private readonly clock: Clock,
    private readonly recordUse: RecordUse,
    private readonly log: Log,
    @Inject(HTTP_SETTINGS) { publicUrl }: HttpSettings,
  ) {
    this.#microsoftMount = new URL(mountOf('microsoft'), publicUrl)
  }

  /** @throws ApiError, ValidationError */
  async call(grant: CalledGrant, asked: ProxiedRequest): Promise<ProxiedAnswer> {
    const mailbox = this.openMailbox.open(grant)
    const { account } = mailbox
    const { signal } = asked.wanted
    // What an account may have been connected for besides calendars, the proxy does not touch.
    const permissions = permissionsOf(grant.scope.filter(isDelegatedScope))
    const { shape, answerKeptBack, mayNotCancel, ...admitted } = admit(asked, account, permissions)
    const changes = admitted.method !== 'GET'
    const body = changes ? bodyOf(asked, mayNotCancel) : null
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
      if (changes) await this.recordUse.change(grant, account, shape)
      const headers = headersToProvider(asked.headers, body !== null)
      const call = { ...admitted, headers, signal, ...(changes && { takeBody: sendOnce(body) }) }
      const answer = await mailbox.call(permissions, call)
      note('proxy.answered', { status: answer.status })
      if (!changes && answer.status < 400) await this.recordUse.read(grant, account)
      if (answerKeptBack && answer.status < 300) return await keptBack(answer)
      const noteBreak = () => signal.aborted || note('proxy.failed', { code: 'provider.broke_off' })
      return await this.#passBack(answer, account, changes ? outcomeUnknown : answerLost, noteBreak)
    } catch (error) {
      if (signal.aborted) throw callerLeft()
      asked.wanted.abort()
      if (!(error instanceof ProviderError)) throw error
      note('proxy.failed', { code: error.code })
      if (changes && error.code === 'provider.unreachable') throw outcomeUnknown({ cause: error })
      throw error
    }
  }

  /**
   * The provider's refusals of the call itself (4xx) go back as they are: they answer the caller's question, in the words
   * that the caller's library knows. Its failures (5xx, a redirect, a page of HTML) answer nothing and become ours.
   */
  async #passBack(
    { status, headers, body }: MailboxAnswer,
    account: CalledAccount,
    failed: typeof answerLost,
    noteBreak: () => void,
  ): Promise<ProxiedAnswer> {
    const json = /^application\/(?:[\w.]+\+)?json\b/i.test(headers['content-type'] ?? '')
    const empty = (status === 202 || status === 204) && !headers['content-type']
    const answers = status === 304 || empty || (json && (status < 300 || (status >= 400 && status < 500)))
    if (!answers) throw failed({ retryAfter: retryAfterSeconds(headers['retry-after'], this.clock.now()) })
    const whole = Buffer.isBuffer(body) ? body : wholeOf(body, failed, noteBreak)
    const linked = account.provider === 'microsoft' && status === 200
    return {
      status,
      headers: headersToCaller(headers),
      body: linked ? await withLinksThroughUs(whole, this.#microsoftMount, account.providerUserId) : whole,
    }
  }
}

const mountOf = (provider: ProviderName) => `/v1/proxy/${provider}/`
const NAMES = { google: 'Google', microsoft: 'Microsoft' }

/** @throws ApiError method_not_allowed, not_admitted, insufficient_scope */
function admit(
  { provider, method, target }: ProxiedRequest,
  account: CalledAccount,
  permissions: readonly DelegatedPermission[],
): AdmittedCall {
  if (provider !== account.provider) {
    const where = `its calendar is at ${NAMES[account.provider]}, under ${mountOf(account.provider)}`
    throw notAdmitted('the other provider', `This mailbox is not at ${NAMES[provider]}: ${where}.`)
  }
  const admitCall = { google: admitGoogleCall, microsoft: admitMicrosoftCall }[provider]
  return admitCall(method, cutTarget(target, mountOf(provider)), account, permissions)
}

/** @throws ApiError unsupported_media_type */
function bodyOf({ provider, headers, body }: ProxiedRequest, mayNotCancel = false): AsyncIterable<Uint8Array> | null {
  if (body === null) return null
  if (!/^application\/json\s*(?:;|$)/i.test(headers['content-type'] ?? '')) throw unsupportedMediaType()
  if (mayNotCancel) return refuseCancelling(body)
  return provider === 'microsoft' ? refuseBindings(body) : body
}

/** It was done, and what stands there now is not this caller's to read: nothing is lost where the rest of it does not come. */
async function keptBack({ body }: MailboxAnswer): Promise<ProxiedAnswer> {
  try {
    if (!Buffer.isBuffer(body)) for await (const _ of body);
  } catch {}
  return { status: 204, headers: {}, body: Buffer.alloc(0) }
}

/** An answer that breaks off before its first byte can still be answered properly; later, all we can do is break off too. */
async function* wholeOf(
  body: AsyncIterable<Uint8Array>,
  failed: typeof answerLost,
  noteBreak: () => void,
): AsyncGenerator<Uint8Array> {
  try {
    yield* body
  } catch (cause) {
    noteBreak()
    throw failed({ cause })
  }
}
