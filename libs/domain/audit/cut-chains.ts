import { Injectable } from '@nestjs/common'
import { Clock } from '#platform/clock/clock.js'
import { Database, type Tx } from '#platform/database/database.js'
import { conflict, unavailable } from '#platform/errors/api-error.js'
import { digestOf, readStatement, type SignedStatement } from './audit-archive.js'
import { AuditArchives } from './audit-archives.js'
import { OPERATOR_CHAIN } from './audit-event.js'
import { AuditMonths, tableOf } from './audit-months.js'
import { recordAct } from './record-act.js'

/** Who reads the audit at that moment is waited for; who wants to waits meanwhile, and so do those that chain. */
const PATIENCE = '3s'
/** Any constant of our own. */
const ARCHIVING = 7_402_614

/** Lets a month go that has been archived: says where the chains go on from, and drops its table. Both happen, or neither. */
@Injectable()
export class CutChains {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly months: AuditMonths,
    private readonly archives: AuditArchives,
  ) {}

  /** Dropping a table is its owner's right: asked for beforehand, because what comes first takes long. @throws ApiError */
  async refuseUnlessAllowed(): Promise<void> {
    const [user] = await this.database.read((em) =>
      em.execute<[{ name: string; owns: boolean }]>(
        `select current_user as name, pg_has_role(relowner, 'MEMBER') as owns from pg_class
         where oid = 'audit_events'::regclass`,
      ),
    )
    if (!user.owns)
      throw conflict(
        `The database user "${user.name}" does not own the tables of the audit, and may drop none. Give DATABASE_URL of the user that migrates.`,
      )
  }

  /** Two who archive at once would write into one file. @throws ApiError */
  alone<T>(work: () => Promise<T>): Promise<T> {
    return this.database.inTransaction(async (tx) => {
      // It holds nothing but the lock, for as long as the work takes.
      await tx.execute('set local idle_in_transaction_session_timeout = 0')
      const [lock] = await tx.execute<[{ taken: boolean }]>('select pg_try_advisory_xact_lock(?) as taken', [ARCHIVING])
      if (!lock.taken) throw conflict('Somebody else is archiving. Give the command again when that has ended.')
      return work()
    })
  }

  /**
   * @param archived what its archive says, which holds exactly what the month does
   * @throws ApiError when the month has grown since, or somebody else has cut it
   */
  async cut(archived: SignedStatement): Promise<void> {
    try {
      await this.database.inTransaction((tx) => this.#cut(tx, archived))
    } catch (error) {
      if (!isLockTimeout(error)) throw error
      throw unavailable(
        `Somebody reads the audit for longer than ${PATIENCE}, a backup perhaps. ${tableOf(archived.month)} was not dropped; give the command again.`,
      )
    }
  }

  async #cut(tx: Tx, { month, statement, signature }: SignedStatement): Promise<void> {
    await tx.execute(`set local lock_timeout = '${PATIENCE}'`)
    await tx.execute('lock table audit_events in access exclusive mode')
    const { follows, chains, lines, sha256 } = readStatement(statement)!
    const newest = await this.archives.newest(tx)
    if ((newest && digestOf(newest.statement)) !== follows)
      throw conflict('Somebody else has archived meanwhile. Give the command again.')
    const said = new Map(chains.map((end) => [end.client_id, `${end.sequence} ${end.hash}`]))
    const grown = (await this.months.endsIn(tx, month)).find(
      ({ client_id, sequence, hash }) => said.get(client_id) !== `${sequence} ${hash}`,
    )
    if (grown)
      throw conflict(
        `The chain of ${grown.client_id} does not end in this month as its archive does. Give the command again, in case it has grown.`,
      )
    await tx.execute('insert into audit_archives (month, statement, signature) values (?, ?, ?)', [
      ...[month, statement, signature],
    ])
    await recordAct(tx, {
      ...{ clientId: OPERATOR_CHAIN, at: this.clock.now(), act: 'audit.archived' },
      ...{ subject: month.slice(0, 7), details: { lines, sha256 } },
    })
    await tx.execute(`drop table ${tableOf(month)}`)
  }
}

const isLockTimeout = (error: unknown) => (error as { code?: unknown }).code === '55P03'
