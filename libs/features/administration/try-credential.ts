import { Injectable } from '@nestjs/common'
import type { ServiceAccount } from '#domain/credentials/service-account.entity.js'
import { mailboxKindsOf } from '#domain/credentials/service-account-scopes.js'
import { ServiceAccounts } from '#domain/credentials/service-accounts.js'
import { FindSomeMailbox } from '#domain/grants/find-some-mailbox.js'
import { serialiseCredential } from '#domain/providers/credential-codec.js'
import { type DelegatedScope, permissionsOf } from '#domain/providers/delegated-scopes.js'
import { organisationOf } from '#domain/providers/organisation.js'
import type { ProviderCredential } from '#domain/providers/provider.port.js'
import { Providers } from '#domain/providers/providers.js'
import { type Finding, tryActing } from '#domain/providers/try-acting.js'
import { Database } from '#platform/database/database.js'
import { ApiError } from '#platform/errors/api-error.js'
import { ProviderError, type ProviderErrorFacts } from '#platform/errors/provider-error.js'
import { newId, RandomSource } from '#platform/secrets/random.js'

/** So many organisations are tried: enough to tell a new secret of the same application from another application. */
const ORGANISATIONS = 5

/** Acts with a new credential for those who will depend on it, before it takes the place of the old one. */
@Injectable()
export class TryCredential {
  constructor(
    private readonly database: Database,
    private readonly serviceAccounts: ServiceAccounts,
    private readonly someMailbox: FindSomeMailbox,
    private readonly providers: Providers,
    private readonly random: RandomSource,
  ) {}

  /**
   * Every organisation that works today has to work with the new credential, too; of those that do not, one has to.
   * @returns for how many organisations a mailbox was opened; nobody's where nobody acts with this registration
   * @throws ApiError by the key of what the provider says, or `untested`; ProviderError while it is out of order
   */
  async try(credential: ProviderCredential, clientId: string | null, untested: boolean): Promise<number> {
    const users = await this.database.read((em) =>
      this.serviceAccounts.listUsersOfOperator(em, credential.provider, clientId, ORGANISATIONS),
    )
    const working = users.filter(({ state }) => state !== 'failing')
    const tried = working.length > 0 ? working : users
    let proven = 0
    for (const account of tried) {
      const finding = await this.#act(account, credential)
      const { refusal: facts } = finding
      if (facts && (facts.class !== 'permanent' || working.length > 0)) throw refused(account, facts)
      if (finding.proven) proven += 1
    }
    if (proven === 0 && users.length > 0 && !untested)
      throw refusal(
        'untested',
        `The new credential could not be tried: no mailbox of ${tried.map(({ organisationName }) => organisationName).join(', ')} can be opened to see whether it works. Set it untested if you are sure.`,
      )
    return proven
  }

  async #act(account: ServiceAccount, credential: ProviderCredential): Promise<Finding> {
    const kinds = mailboxKindsOf(account.scope)
    const mailboxes = await this.database.read((em) => this.someMailbox.findToTry(em, account, kinds))
    const permissions = permissionsOf(account.delegatedScope as DelegatedScope[])
    const trial = newId(this.random, 'try')
    const organisation = organisationOf(account, serialiseCredential(credential), trial)
    return tryActing(this.providers.organisation(account.provider), organisation, permissions, mailboxes, trial)
  }
}

function refused({ organisationName }: ServiceAccount, facts: ProviderErrorFacts): Error {
  if (facts.class === 'retry') return new ProviderError(facts)
  const problem = `The new credential does not work for ${organisationName}, and the old one stays: ${facts.problem}`
  return refusal(facts.key, [problem, facts.fix].filter(Boolean).join(' '))
}

const refusal = (code: string, publicText: string) => new ApiError({ code, status: 409, publicText })
