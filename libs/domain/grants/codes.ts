import { Injectable } from '@nestjs/common'
import { recordAct } from '#domain/audit/record-act.js'
import { after, Clock, minutes, seconds } from '#platform/clock/clock.js'
import type { Em, Tx } from '#platform/database/database.js'
import { hashOf, newBearer, newId, RandomSource } from '#platform/secrets/random.js'
import { Secret } from '#platform/secrets/secret.js'
import { Code } from './code.entity.js'
import { Grant } from './grant.entity.js'

/** A browser carries its code to the client at once. */
const REDIRECT_CODE_LIFE = seconds(60)
/** A callback's receiver may be slow to act on it; RFC 6749 section 4.1.2 recommends ten minutes at most. */
export const CALLBACK_CODE_LIFE = minutes(10)

/**
 * A CTE `live`: the codes of the requests that this query names, locked; an exchange that is under way is waited for. One
 * for each request, unless that one is redeemed.
 */
export const lockLiveCodesOf = (requestIds: string) => `live as (
    select code_hash, request_id, redeemed_at from codes
    where request_id = any (array(${requestIds})) and superseded_at is null
    order by code_hash for update
  )`

const insertCodesOf = (source: string) => `
    insert into codes (code_hash, grant_id, client_id, redirect_uri, request_id, expires_at)
    select code_hash, grant_id, client_id, callback_url, id, code_expires_at
    from ${source}`

/**
 * Stores the codes of first delivery attempts, of which a CTE `claimed` has the columns `id`, `grant_id`, `client_id`,
 * `callback_url`, `code_hash` and `code_expires_at`. Text, so that the main path can grant, claim and issue in one statement.
 */
export const ISSUE_FIRST_CODE = `issued as (${insertCodesOf('claimed')}
  )`

/**
 * The same for any attempt, where `claimed` has a column `claimed_at` too: the code of an earlier one, which a CTE `live`
 * holds ({@link lockLiveCodesOf}), dies. A denied request has no grant and gets no code. Counting the superseded makes
 * PostgreSQL supersede first: two codes are never live at once.
 */
export const ISSUE_CLAIMED_CODE = `
  superseded as (
    update codes set superseded_at = claimed.claimed_at
    from claimed join live on live.request_id = claimed.id
    where codes.code_hash = live.code_hash and live.redeemed_at is null
    returning 1
  ), issued as (${insertCodesOf('claimed, (select count(*) from superseded) as done')}
    where grant_id is not null
  )`

/** Issues codes. Who exchanges them is domain/grants/redeem-code. */
@Injectable()
export class Codes {
  constructor(
    private readonly clock: Clock,
    private readonly random: RandomSource,
  ) {}

  /** A grant for the service account itself, and the code that the administrator's browser carries to the client. */
  async issueForServiceAccount(
    tx: Tx,
    to: {
      clientId: string
      serviceAccountId: string
      scope: string[]
      redirectUri: string
      codeChallenge: string | null
    },
  ): Promise<{ code: Secret<string> }> {
    const { redirectUri, codeChallenge, ...grant } = to
    const { clientId, serviceAccountId } = to
    const now = this.clock.now()
    const { id: grantId } = tx.create(Grant, { id: newId(this.random, 'gra'), ...grant, createdAt: now })
    const { code, codeHash } = this.#make()
    const expiresAt = after(now, REDIRECT_CODE_LIFE)
    tx.create(Code, { codeHash, grantId, clientId, redirectUri, codeChallenge, expiresAt })
    await recordAct(tx, { clientId, at: now, act: 'code.issued', serviceAccountId, subject: grantId })
    return { code }
  }

  /** The code that the browser of an account's owner carries to the client, for a grant of that account. */
  async issueForConnectedAccount(
    tx: Tx,
    grant: { id: string; clientId: string },
    to: { redirectUri: string; codeChallenge: string | null; mailbox: string },
  ): Promise<{ code: Secret<string> }> {
    const { id: grantId, clientId } = grant
    const { mailbox, ...bound } = to
    const now = this.clock.now()
    const { code, codeHash } = this.#make()
    await tx.insert(Code, { codeHash, grantId, clientId, ...bound, expiresAt: after(now, REDIRECT_CODE_LIFE) })
    await recordAct(tx, { clientId, at: now, act: 'code.issued', mailbox, subject: grantId })
    return { code }
  }

  /** A fresh code for a callback, still to be stored: under its hash, for so long. */
  makeForCallback(): { code: Secret<string>; codeHash: string; expiresAt: Date } {
    return { ...this.#make(), expiresAt: after(this.clock.now(), CALLBACK_CODE_LIFE) }
  }

  async supersede(tx: Tx, requestId: string): Promise<void> {
    const live = { requestId, redeemedAt: null, supersededAt: null }
    await tx.nativeUpdate(Code, live, { supersededAt: this.clock.now() })
  }

  /** A redeemed code proves that the callback arrived, whatever its answer was. */
  async wasRedeemed(em: Em, requestId: string): Promise<boolean> {
    return (await em.count(Code, { requestId, redeemedAt: { $ne: null } })) > 0
  }

  #make() {
    const code = new Secret(newBearer(this.random))
    return { code, codeHash: hashOf(code.reveal()) }
  }
}
