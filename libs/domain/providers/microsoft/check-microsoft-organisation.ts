import { decodeJwt } from 'jose'
import type { ProviderError } from '#platform/errors/provider-error.js'
import type { CheckStep, OrganisationClaim, VerifiedOrganisation } from '../administrator.port.js'
import { Checklist, tried } from '../checklist.js'
import { MICROSOFT_DIRECTORY_PERMISSIONS, microsoftPermissionFor, wordsForProviderScope } from '../delegated-scopes.js'
import { normalised } from '../mailbox-address.js'
import { exchangeScopeCommands } from './exchange-scope.js'
import type { Graph, GraphAccess, GraphOrganisation } from './graph.js'
import { CLOUDS } from './microsoft-cloud.js'
import { microsoftError } from './microsoft-errors.js'
import type { MicrosoftLogin, Tenant } from './microsoft-login.js'
import type { MicrosoftOrganisation } from './microsoft-organisation.js'
import { type MicrosoftTokens, microsoftCredentialOf } from './microsoft-token.js'

const DIRECTORY = MICROSOFT_DIRECTORY_PERMISSIONS
const line = (permission: string) => `permission:${permission}`

/**
 * A live check of one claim; used once. Entra issues tokens to an app that was granted nothing, and a permission may
 * also be given in Exchange alone: so each permission is shown by a call that needs it, never by the token.
 */
export class CheckMicrosoftOrganisation {
  readonly #calendars: string
  readonly #mailbox: string
  readonly #list: Checklist

  constructor(
    private readonly login: MicrosoftLogin,
    private readonly tokens: MicrosoftTokens,
    private readonly graph: Graph,
    private readonly organisations: MicrosoftOrganisation,
    private readonly claim: OrganisationClaim,
  ) {
    this.#calendars = microsoftPermissionFor(claim.permissions)
    this.#mailbox = normalised(claim.mailbox ?? claim.administratorEmail)
    const permission = (name: string) => [line(name), wordsForProviderScope(name)] as const
    this.#list = new Checklist([
      ['credential', 'Microsoft accepts the credential'],
      permission(DIRECTORY.organisation),
      ['organisation', 'The organisation is known'],
      permission(DIRECTORY.users),
      ...(this.#withRooms ? [permission(DIRECTORY.rooms), ['rooms', 'Rooms can be listed'] as const] : []),
      permission(this.#calendars),
      ['mailbox', `The calendar of ${this.#mailbox} can be opened`],
    ])
  }

  get #withRooms(): boolean {
    return this.claim.kinds.includes('room')
  }

  async *run(): AsyncGenerator<CheckStep, VerifiedOrganisation | null> {
    const organisation = yield* this.#steps()
    yield* this.#list.rest()
    return this.#list.complete ? organisation : null
  }

  async *#steps(): AsyncGenerator<CheckStep, VerifiedOrganisation | null> {
    const tenant = yield* this.#tenant()
    const access = tenant && (yield* this.#access(tenant))
    if (!tenant || !access) return null
    const organisation = yield* this.#organisation(access, tenant)
    yield* this.#permission(DIRECTORY.users, () => this.graph.anyUser(access))
    if (this.#withRooms && (yield* this.#permission(DIRECTORY.rooms, () => this.graph.anyRoom(access))))
      yield this.#list.passed('rooms')
    if (!organisation) return null
    const domains = organisation.verifiedDomains.map(({ name }) => name.toLowerCase())
    yield* this.#openMailbox(access, domains)
    const administratorEmail = normalised(this.claim.administratorEmail)
    return { id: tenant.id, name: organisation.displayName, domains, administratorEmail, cloud: tenant.cloud.name }
  }

  /** A registration of the operator's serves the organisations of its own cloud; an organisation's own is where its tenant is. */
  async *#tenant(): AsyncGenerator<CheckStep, Tenant | null> {
    const home = microsoftCredentialOf(this.claim).cloud
    const { value, refusal } = await tried(() =>
      this.login.discover(this.claim.organisation, home ? [CLOUDS[home].login] : undefined),
    )
    const elsewhere = home && value && value.cloud.login !== CLOUDS[home].login
    if (elsewhere) yield this.#list.failed('organisation', microsoftError('microsoft.wrong_cloud'))
    if (refusal) yield this.#list.failed('organisation', refusal)
    return elsewhere ? null : value
  }

  /** Whether the app is in the organisation comes before whether its credential is right: Entra asks in this order. */
  async *#access(tenant: Tenant): AsyncGenerator<CheckStep, GraphAccess | null> {
    const { value, refusal } = await tried(() => this.tokens.mintAnew(tenant, microsoftCredentialOf(this.claim)))
    if (!refusal) yield this.#list.passed('credential')
    else yield this.#list.failed(refusal.facts.class === 'fatal' ? 'credential' : 'organisation', refusal)
    return value && { token: value.token, cloud: tenant.cloud }
  }

  async *#organisation(access: GraphAccess, { id }: Tenant): AsyncGenerator<CheckStep, GraphOrganisation | null> {
    const { value, refusal } = await tried(() => this.graph.organisation(access))
    if (refusal) {
      yield this.#list.failed(line(DIRECTORY.organisation), named(refusal, DIRECTORY.organisation))
      return null
    }
    yield this.#list.passed(line(DIRECTORY.organisation))
    const found = value?.id.toLowerCase() === id ? value : null
    yield found
      ? this.#list.passed('organisation')
      : this.#list.failed('organisation', microsoftError('microsoft.tenant_mismatch'))
    return found
  }

  async *#permission(permission: string, call: () => Promise<unknown>): AsyncGenerator<CheckStep, boolean> {
    const { refusal } = await tried(call)
    const id = line(permission)
    yield refusal ? this.#list.failed(id, named(refusal, permission)) : this.#list.passed(id)
    return refusal === null
  }

  async *#openMailbox(access: GraphAccess, domains: readonly string[]): AsyncGenerator<CheckStep, void> {
    const { refusal } = await tried(() => this.organisations.proveWith(access, domains, this.#mailbox))
    if (!refusal) {
      yield this.#provenAsFarAsReading(access)
      yield this.#list.passed('mailbox')
    } else if (refusal.code === 'microsoft.mailbox_access_denied')
      yield this.#list.failed(line(this.#calendars), named(refusal, this.#calendars), {
        commands: this.#exchangeScope(),
      })
    else if (refusal.code === 'microsoft.mailbox_excluded_by_policy')
      yield this.#list.failed('mailbox', refusal, { commands: this.#exchangeScope() })
    else yield this.#list.failed('mailbox', refusal)
  }

  #exchangeScope(): string[] {
    return exchangeScopeCommands(microsoftCredentialOf(this.claim).clientId, this.#calendars, this.#mailbox)
  }

  /** Opening a calendar shows the weakest permission; the stronger ones would have to be used to be shown. */
  #provenAsFarAsReading({ token }: GraphAccess): CheckStep {
    const id = line(this.#calendars)
    const roles = decodeJwt<{ roles?: string[] }>(token).roles ?? []
    const shown = this.#calendars === 'Calendars.ReadBasic.All' || roles.includes(this.#calendars)
    if (shown || roles.includes('Calendars.ReadWrite')) return this.#list.passed(id)
    return this.#list.unknowable(
      id,
      `The calendar can be opened, but nothing short of using it shows whether ${this.#calendars} was granted in full.`,
      'If you granted it in Exchange (RBAC for Applications), all is well; otherwise add it to the app registration and consent again.',
    )
  }
}

/** Names the permission, which Graph does not. */
const named = (refusal: ProviderError, permission: string): ProviderError =>
  refusal.code === 'microsoft.permission_missing' || refusal.code === 'microsoft.mailbox_access_denied'
    ? microsoftError('microsoft.permission_missing', {
        problem: `The application permission ${permission} of Microsoft Graph is missing.`,
        fix: `Add ${permission} to the app registration as an application permission and let an administrator consent again; if that was done just now, wait a minute and check again.`,
      })
    : refusal
