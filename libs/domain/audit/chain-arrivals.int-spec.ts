import type { AuditEvent } from './audit-event.js'
import { EVENT_COLUMNS, hashOfEvent } from './canonical-form.js'
import { recordAct } from './record-act.js'
import { auditForTests, newKey, signerOf } from './testing/audit-for-tests.js'

describe('the audit', () => {
  const { ground, clock, key, logged, partsFor, parts, sql, record, newClient, chainOf, eventsOf, headOf, findingOf } =
    auditForTests()

  it('keeps what an act said, who did it and from where, in the order in which it came', async () => {
    const client = await chainOf(2)
    const [first, second] = await eventsOf(client)
    expect(first).toMatchObject({
      client_id: client,
      sequence: 1,
      at: clock.now().toISOString(),
      act: 'mint.granted',
      actor: 'client:x',
      address: '192.0.2.1',
      request_id: 'req_1',
      service_account_id: 'ser_1',
      mailbox: 'anna@acme.test',
      subject: 'gra_1',
      reason: 'because',
      details: '{"scope":["read_only"],"attempt":1}',
    })
    expect(second).toMatchObject({ sequence: 2, subject: 'gra_2', previous: first!.hash })
    expect(await parts().verifier.verify(client)).toEqual({ clientId: client, rows: 2, archived: 0, finding: null })
  })

  it('is not written when the act is rolled back', async () => {
    const client = newClient()
    const failing = ground.database.inTransaction(async (tx) => {
      await recordAct(tx, { clientId: client, at: clock.now(), act: 'consent.begun' })
      throw new Error('the act failed')
    })
    await expect(failing).rejects.toThrow('the act failed')
    expect(await sql('select 1 from audit_arrivals where client_id = ?', [client])).toEqual([])
  })

  it('reads the same whatever form of time a session prefers', async () => {
    const client = await chainOf(1)
    await ground.database.inTransaction(async (tx) => {
      await tx.execute(`set local time zone 'Asia/Kathmandu'`)
      await tx.execute(`set local datestyle = 'German'`)
      const [event] = await tx.execute<AuditEvent[]>(`select ${EVENT_COLUMNS} from audit_events where client_id = ?`, [
        client,
      ])
      expect(hashOfEvent(event!)).toBe(event!.hash)
    })
  })

  it('gives a row that commits late its place, though rows with higher numbers have theirs', async () => {
    const client = newClient()
    await ground.database.inTransaction(async (tx) => {
      await recordAct(tx, { clientId: client, at: clock.now(), act: 'consent.begun', subject: 'late' })
      await record(client, 'gra_early')
      await parts().arrivals.chain()
    })
    await parts().arrivals.chain()
    expect((await eventsOf(client)).map(({ subject }) => subject)).toEqual(['gra_early', 'late'])
    expect(await findingOf(client)).toBeNull()
  })

  it('is chained once by several chainers at once, in more than one batch', async () => {
    const client = newClient()
    await sql(
      `insert into audit_arrivals (client_id, at, act, actor)
       select ?, ?::timestamptz, 'consent.begun', 'client:' || n from generate_series(1, 1200) n`,
      [client, clock.now()],
    )
    await Promise.all([1, 2, 3].map(() => parts().arrivals.chain()))
    await parts().arrivals.chain()
    const events = await eventsOf(client)
    expect(events.map(({ actor }) => actor)).toEqual(Array.from({ length: 1200 }, (_, i) => `client:${i + 1}`))
    const pages: number[] = []
    expect(await parts().verifier.verify(client, { onProgress: (rows) => pages.push(rows) })).toMatchObject({
      rows: 1200,
      finding: null,
    })
    expect(pages).toEqual([1000, 1200])
  })

  it('does not sign on where it was tampered with: what arrives waits, and the log says so', async () => {
    const client = await chainOf(3)
    await sql('delete from audit_events where client_id = ? and sequence = 3', [client])
    await record(client, 'gra_4')
    await parts().arrivals.chain()
    expect(await findingOf(client)).toMatchObject({ tampering: 'cut off', sequence: 3 })
    expect(logged.map((line) => JSON.parse(line))).toContainEqual(
      expect.objectContaining({
        ...{ level: 50, msg: 'audit.not_chained', client, code: 'audit.chain_broken' },
        detail: 'the newest row is not the one that the head was signed for (3)',
      }),
    )
    expect(await sql('select subject from audit_arrivals where client_id = ?', [client])).toEqual([
      { subject: 'gra_4' },
    ])
  })

  it('signs its heads with the newest key, also of chains where nothing happens any more', async () => {
    const client = await chainOf(2)
    const newest = newKey('k2')
    await partsFor(ground.database, signerOf(newest, key)).arrivals.renewSignatures()
    const withoutTheOld = partsFor(ground.database, signerOf(newest))
    expect(await withoutTheOld.verifier.verify(client)).toMatchObject({ rows: 2, finding: null })
    await partsFor(ground.database, signerOf(key, newest)).arrivals.renewSignatures()
    expect(await findingOf(client)).toBeNull()
  })

  it('signs anew behind any number of broken chains, and whatever other key looks like the newest', async () => {
    const [newest, lookalike] = [newKey('k_2'), newKey('kx2')]
    const client = await chainOf(1)
    await partsFor(ground.database, signerOf(lookalike, key)).arrivals.renewSignatures()
    await sql(
      `insert into audit_heads (client_id, sequence, hash, signed_at, signature)
       select 'broken_' || n, 7, 'x', now(), 'v1.gone.x' from generate_series(1, 501) n`,
    )
    await partsFor(ground.database, signerOf(newest, lookalike, key)).arrivals.renewSignatures()
    await sql(`delete from audit_heads where client_id like 'broken%'`)
    expect((await headOf(client)).signature).toMatch(/^v1\.k_2\./)
    await partsFor(ground.database, signerOf(key, newest, lookalike)).arrivals.renewSignatures()
  })
})
