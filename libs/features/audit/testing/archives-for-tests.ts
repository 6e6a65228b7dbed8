import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AuditArchives } from '#domain/audit/audit-archives.js'
import { AuditMonths } from '#domain/audit/audit-months.js'
import { ChainArrivals } from '#domain/audit/chain-arrivals.js'
import { CutChains } from '#domain/audit/cut-chains.js'
import { FindEvents } from '#domain/audit/find-events.js'
import { FindReaders } from '#domain/audit/find-readers.js'
import { recordAct } from '#domain/audit/record-act.js'
import { newKey, signerOf } from '#domain/audit/testing/audit-for-tests.js'
import { VerifyChain } from '#domain/audit/verify-chain.js'
import type { Database } from '#platform/database/database.js'
import { Log } from '#platform/observability/log.js'
import { HeldClock } from '#platform/testing/held-clock.js'
import { ArchiveAudit, type ArchivedMonth } from '../archive-audit.js'
import { ShowReaders } from '../show-readers.js'
import { VerifyArchives } from '../verify-archives.js'
import { VerifyAudit } from '../verify-audit.js'

/** What everything is signed with, where a test says nothing else. */
export const KEY = newKey('k1')

export function partsOf(database: Database, time: string, signer = signerOf(KEY)) {
  const [clock, log] = [new HeldClock(time), new Log('silent')]
  const [archives, months] = [new AuditArchives(database, signer), new AuditMonths(database, clock, log)]
  const arrivals = new ChainArrivals(database, clock, signer, log, months, archives)
  const verifyArchives = new VerifyArchives(archives, signer)
  const verifyAudit = new VerifyAudit(new VerifyChain(database, signer, arrivals), archives, verifyArchives)
  const [events, chains] = [new FindEvents(database), new CutChains(database, clock, months, archives)]
  const archiveAudit = new ArchiveAudit(database, clock, signer, months, archives, events, verifyAudit, chains)
  const showReaders = new ShowReaders(arrivals, new FindReaders(database), archives)
  return { clock, months, arrivals, archives, verifyAudit, archiveAudit, verifyArchives, chains, showReaders }
}
type Parts = ReturnType<typeof partsOf>

/** Three acts of the busy client in each month of a spring, three of the idle one in its first. */
export async function actIn(database: Database, months: string[]) {
  for (const month of months) {
    const { arrivals, clock } = partsOf(database, `${month}-10T10:00:00Z`)
    for (const clientId of ['cli_busy', ...(month === months[0] ? ['cli_idle'] : [])])
      for (const subject of ['first', 'second', 'third'])
        await database.inTransaction((tx) =>
          recordAct(tx, { clientId, at: clock.now(), act: 'code.issued', subject, mailbox: 'ä@acme.test' }),
        )
    // The operator's chain is told of the others while they are chained.
    await arrivals.chain()
    await arrivals.chain()
  }
}
export async function archived({ archiveAudit }: Parts, before: `${string}-01`, directory: string) {
  const months: ArchivedMonth[] = []
  await archiveAudit.archive(before, directory, { onArchived: (month) => months.push(month) })
  return months
}
export const findings = async ({ verifyAudit }: Parts) =>
  (await Array.fromAsync(verifyAudit.verify({}))).filter(({ finding }) => finding)
export const problems = async ({ verifyArchives }: Parts, directory: string) =>
  (await Array.fromAsync(verifyArchives.verify(directory))).filter(({ problem }) => problem)
export const newDirectory = () => mkdtemp(join(tmpdir(), 'mandate-archive-'))
