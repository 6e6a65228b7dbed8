import type { ServiceAccount } from '#domain/credentials/service-account.entity.js'
import { DESCRIBED_ACCOUNT, type DescribedAccount } from '#domain/grants/described-account.js'
import { defineAccessTokenLookup, type FoundAccessToken } from '#domain/grants/token-statements.js'

/** What is said of a service account to who bears its token. */
export type DescribedServiceAccount = Pick<
  ServiceAccount,
  'id' | 'provider' | 'organisationName' | 'domains' | 'administratorEmail' | 'delegatedScope'
>

/** Who a token is about. */
type Subject = { account: DescribedAccount } | { account: null; serviceAccount: DescribedServiceAccount }

/** Beside `grants g` and its owners. */
const DESCRIBED_SERVICE_ACCOUNT = `case when g.account_id is null then json_build_object(
    'id', s.id, 'provider', s.provider, 'organisationName', s.organisation_name, 'domains', s.domains,
    'administratorEmail', s.administrator_email, 'delegatedScope', s.delegated_scope) end as "serviceAccount"`

/** A token with whose it is, which is all that most calls here ask for. */
export const FIND_DESCRIBED_TOKEN = defineAccessTokenLookup<Subject>(
  'find-described-token',
  DESCRIBED_ACCOUNT,
  DESCRIBED_SERVICE_ACCOUNT,
)
export type DescribedToken = FoundAccessToken & Subject
