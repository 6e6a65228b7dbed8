import { randomBytes } from 'node:crypto'
import type { Database } from '#platform/database/database.js'
import { Log } from '#platform/observability/log.js'
import { withOrigin } from '#platform/observability/origin.js'
import { parseMasterKeys } from '#platform/secrets/parse-master-keys.js'
import { Signer } from '#platform/secrets/signer.js'
import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { HeldClock } from '#platform/testing/held-clock.js'
import { AuditArchives } from '../audit-archives.js'
import type { AuditEvent } from '../audit-event.js'
import { type AuditHead, HEAD_COLUMNS } from '../audit-head.js'
import { AuditMonths } from '../audit-months.js'
import { EVENT_COLUMNS } from '../canonical-form.js'
import { ChainArrivals } from '../chain-arrivals.js'
import { recordAct } from '../record-act.js'
import { VerifyChain } from '../verify-chain.js'

export const newKey = (id: string) => `${id}:${randomBytes(32).toString('base64')}`
export const signerOf = (...keys: string[]) => new Signer(parseMasterKeys(keys.join(',')).keys!)

/** An audit of a test file's own, with chains of as many acts as a test wants. */
export function auditForTests() {
  const ground = databaseForTests([])
  const clock = new HeldClock()
  const key = newKey('k1')
  const logged: string[] = []
  let clients = 0

  const partsFor = (database: Database, signer = signerOf(key)) => {
    const log = new Log('info', (line) => logged.push(line))
    const archives = new AuditArchives(database, signer)
    const arrivals = new ChainArrivals(database, clock, signer, log, new AuditMonths(database, clock, log), archives)
    return { arrivals, verifier: new VerifyChain(database, signer, arrivals) }
  }
  const parts = () => partsFor(ground.database)
  const sql = <Row = Record<string, unknown>>(text: string, values: unknown[] = []) =>
    ground.database.read((em) => em.execute<Row[]>(text, values))

  const record = (clientId: string, subject: string) =>
    ground.database.inTransaction((tx) =>
      recordAct(tx, {
        clientId,
        at: clock.now(),
        act: 'mint.granted',
        serviceAccountId: 'ser_1',
        mailbox: 'anna@acme.test',
        subject,
        reason: 'because',
        details: { scope: ['read_only'], attempt: 1 },
      }),
    )
  const newClient = () => `cli_${++clients}`
  const chainOf = async (rows: number) => {
    const client = newClient()
    const origin = { actor: 'client:x', address: '192.0.2.1', requestId: 'req_1' }
    for (let row = 1; row <= rows; row++) await withOrigin(origin, () => record(client, `gra_${row}`))
    await parts().arrivals.chain()
    return client
  }
  const eventsOf = (client: string) =>
    sql<AuditEvent>(`select ${EVENT_COLUMNS} from audit_events where client_id = ? order by sequence`, [client])
  const headOf = async (client: string) =>
    (await sql<AuditHead>(`select ${HEAD_COLUMNS} from audit_heads where client_id = ?`, [client]))[0]!
  const findingOf = async (client: string, kept?: AuditHead) =>
    (await parts().verifier.verify(client, { kept })).finding

  return { ground, clock, key, logged, partsFor, parts, sql, record, newClient, chainOf, eventsOf, headOf, findingOf }
}
