import type { Em, Tx } from '#platform/database/database.js'
import { Grant } from './grant.entity.js'

/**
 * Asked at every use and never remembered: so one update of a grant, a service account or a client ends at once, in every
 * process, all that hangs on it. Also a grant that was being made at the moment when its service account ended.
 */
const FIND = `select g.* from grants g
  join service_accounts s on s.id = g.service_account_id and s.revoked_at is null
  join clients c on c.id = g.client_id and c.disabled_at is null
  where g.id = ? and g.revoked_at is null`

export async function findLiveGrant(em: Em, id: string): Promise<Grant | null> {
  const [row] = await em.execute(FIND, [id])
  return row ? em.map(Grant, row) : null
}

/** Locked, so that whoever comes at the same moment sees what this transaction makes of it. */
export async function lockLiveGrant(tx: Tx, id: string): Promise<Grant | null> {
  const [row] = await tx.execute(`${FIND} for update of g`, [id])
  return row ? tx.map(Grant, row) : null
}
