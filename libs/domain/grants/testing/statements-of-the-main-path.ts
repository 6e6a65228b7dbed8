import type { Run } from '#platform/database/database.js'
import { defineStatement } from '#platform/database/statement.js'
import { CryptoRandom } from '#platform/secrets/random.js'
import { ISSUE_CLAIMED_CODE, lockLiveCodesOf } from '../codes.js'
import { GRANT_WANTED_MAILBOX, newMailboxIds } from '../grant-mailbox.js'

const GRANT = defineStatement<{ id: string; account_id: string }>(
  'grant-mailbox',
  `with wanted as (
     select $1::text as account_id, $2::text as profile_id, $3::text as grant_id, $4::timestamptz as granted_at,
       $5::text as client_id, $6::text as service_account_id, $7::text as provider, $8::text as email,
       $9::text as kind, $10::text as display_name, $11::text as provider_user_id, $12::text[] as scope
   ), ${GRANT_WANTED_MAILBOX}
   select id, account_id from granted`,
)

export interface MailboxToGrant {
  clientId: string
  serviceAccountId: string
  provider: 'google' | 'microsoft'
  email: string
  kind: 'person' | 'room'
  displayName: string | null
  providerUserId: string
  scope: readonly string[]
}

/** Grants a mailbox as the main path does, without the request that decides it there. */
export async function grantMailbox(run: Run, to: MailboxToGrant, now = new Date()) {
  const [row] = await run(GRANT, [
    ...[...newMailboxIds(new CryptoRandom()), now],
    ...[to.clientId, to.serviceAccountId, to.provider, to.email],
    ...[to.kind, to.displayName, to.providerUserId, to.scope],
  ])
  return { accountId: row!.account_id, grantId: row!.id }
}

const ISSUE = defineStatement(
  'issue-callback-code',
  `with claimed as (
     select $1::text as id, $2::text as grant_id, $3::text as client_id, $4::text as callback_url,
       $5::text as code_hash, $6::timestamptz as code_expires_at, $7::timestamptz as claimed_at
   ), ${lockLiveCodesOf('select id from claimed')}, ${ISSUE_CLAIMED_CODE}
   select`,
)

export interface CallbackCode {
  requestId: string
  grantId: string
  clientId: string
  callbackUrl: string
  codeHash: string
  expiresAt: Date
}

/** Stores a callback's code as the main path does, without the delivery attempt that carries it there. */
export async function issueCallbackCode(run: Run, code: CallbackCode, now = new Date()): Promise<void> {
  const { requestId, grantId, clientId, callbackUrl, codeHash, expiresAt } = code
  await run(ISSUE, [requestId, grantId, clientId, callbackUrl, codeHash, expiresAt, now])
}
