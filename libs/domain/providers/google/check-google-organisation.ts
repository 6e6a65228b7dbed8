import type { ProviderError } from '#platform/errors/provider-error.js'
import type { CheckStep, OrganisationClaim, VerifiedOrganisation } from '../administrator.port.js'
import { Checklist, tried } from '../checklist.js'
import { providerScopesFor, wordsForProviderScope } from '../delegated-scopes.js'
import { domainOf, normalised, sameAddress } from '../mailbox-address.js'
import type { DirectoryDomain, DirectoryUser, GoogleApi } from './google-api.js'
import { googleError } from './google-errors.js'
import { type GoogleTokens, googleCredentialOf } from './google-token.js'

/** A live check of one claim; used once. */
export class CheckGoogleOrganisation {
  readonly #scopes: string[]
  readonly #administrator: string
  readonly #list: Checklist

  constructor(
    private readonly tokens: GoogleTokens,
    private readonly api: GoogleApi,
    private readonly claim: OrganisationClaim,
  ) {
    this.#scopes = providerScopesFor('google', claim.permissions, claim.kinds)
    this.#administrator = normalised(claim.administratorEmail)
    this.#list = new Checklist([
      ['credential', 'Google recognises the service account'],
      ...this.#scopes.map((scope) => [`permission:${scope}`, wordsForProviderScope(scope)] as const),
      ['administrator', `${this.#administrator} is a super administrator`],
      ['organisation', `${claim.organisation} belongs to the organisation`],
      ...(claim.kinds.includes('room') ? [['rooms', 'Rooms and resources can be listed'] as const] : []),
      ['mailbox', `The calendar of ${this.#administrator} can be opened`],
    ])
  }

  async *run(): AsyncGenerator<CheckStep, VerifiedOrganisation | null> {
    const organisation = yield* this.#steps()
    yield* this.#list.rest()
    return this.#list.complete ? organisation : null
  }

  async *#steps(): AsyncGenerator<CheckStep, VerifiedOrganisation | null> {
    const token = yield* this.#delegation()
    const administrator = token && (yield* this.#isAdministrator(token))
    if (!administrator) return null
    const organisation = yield* this.#hasDomain(token, administrator)
    if (this.claim.kinds.includes('room')) yield* this.#call('rooms', () => this.api.resources(token))
    yield* this.#call('mailbox', async () => {
      const calendar = await this.api.primaryCalendar(token)
      if (!sameAddress(calendar.id, administrator.primaryEmail)) throw googleError('google.mailbox_mismatch')
    })
    return organisation
  }

  /**
   * One token for everything that is asked shows the credential and the whole delegation at once. Only when Google
   * refuses is it asked scope by scope, because it never says which one it misses.
   */
  async *#delegation(): AsyncGenerator<CheckStep, string | null> {
    const { value, refusal } = await this.#mint(this.#scopes)
    if (value) {
      yield this.#list.passed('credential')
      for (const scope of this.#scopes) yield this.#list.passed(`permission:${scope}`)
      return value.token
    }
    if (!isAboutDelegation(refusal)) {
      const aboutAdministrator = refusal.facts.effect === 'mailbox'
      if (aboutAdministrator) yield this.#list.passed('credential')
      yield this.#list.failed(aboutAdministrator ? 'administrator' : 'credential', refusal)
      return null
    }
    // Google verifies the signature before it looks for the delegation, so the service account itself is in order.
    yield this.#list.passed('credential')
    for (const scope of this.#scopes) {
      const { refusal: missing } = await this.#mint([scope])
      const id = `permission:${scope}`
      yield missing ? this.#list.failed(id, missing, { fix: this.#fixOf(missing, scope) }) : this.#list.passed(id)
    }
    return null
  }

  #mint(scopes: string[]) {
    return tried(() => this.tokens.mintAnew(googleCredentialOf(this.claim), this.#administrator, scopes))
  }

  #fixOf(refusal: ProviderError, scope: string): string {
    if (!isAboutDelegation(refusal)) return refusal.facts.fix
    const { clientId } = googleCredentialOf(this.claim)
    return `In the Admin console of this organisation, under Security > Access and data control > API controls > Domain-wide delegation, the entry for client ID ${clientId} must contain ${scope}. A change is normally effective within minutes, and may take up to 24 hours.`
  }

  async *#isAdministrator(token: string): AsyncGenerator<CheckStep, DirectoryUser | null> {
    const { value: user, refusal } = await tried(() => this.api.user(token, this.#administrator))
    if (refusal) yield this.#list.failed('administrator', refusal)
    else if (!user.isAdmin) yield this.#list.failed('administrator', googleError('google.not_administrator'))
    else yield this.#list.passed('administrator')
    return user?.isAdmin ? user : null
  }

  /** The directory is the administrator's own customer's, so what is verified there is what may be claimed. */
  async *#hasDomain(token: string, user: DirectoryUser): AsyncGenerator<CheckStep, VerifiedOrganisation | null> {
    const { value, refusal } = await tried(() => this.api.domains(token))
    if (refusal) {
      yield this.#list.failed('organisation', refusal)
      return null
    }
    const domains = value.flatMap(verifiedNames)
    const claimed = this.claim.organisation.toLowerCase()
    if (![claimed, domainOf(user.primaryEmail)].every((domain) => domains.includes(domain))) {
      yield this.#list.failed('organisation', googleError('google.organisation_mismatch'))
      return null
    }
    yield this.#list.passed('organisation')
    const primary = value.find(({ isPrimary }) => isPrimary)?.domainName.toLowerCase()
    return {
      id: user.customerId,
      name: primary ?? claimed,
      domains,
      administratorEmail: normalised(user.primaryEmail),
    }
  }

  async *#call(id: string, call: () => Promise<unknown>): AsyncGenerator<CheckStep, void> {
    const { refusal } = await tried(call)
    yield refusal ? this.#list.failed(id, refusal) : this.#list.passed(id)
  }
}

const isAboutDelegation = ({ code }: ProviderError) =>
  code === 'google.delegation_missing' || code === 'google.delegation_scope_missing'

const verifiedNames = ({ domainName, verified, domainAliases = [] }: DirectoryDomain): string[] => [
  ...(verified ? [domainName.toLowerCase()] : []),
  ...domainAliases.filter((alias) => alias.verified).map((alias) => alias.domainAliasName.toLowerCase()),
]
