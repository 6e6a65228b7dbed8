import type { AuditEvent } from './audit-event.js'
import { hashOfEvent } from './canonical-form.js'
import { auditForTests, newKey, signerOf } from './testing/audit-for-tests.js'

describe('verifying the audit', () => {
  const { ground, partsFor, parts, sql, record, chainOf, eventsOf, headOf, findingOf } = auditForTests()

  it('lists every chain, also one that is gone altogether', async () => {
    const client = await chainOf(2)
    await sql('delete from audit_events where client_id = ?', [client])
    await sql('delete from audit_heads where client_id = ?', [client])
    const chains = await parts().verifier.chains()
    expect(chains).toContain(client)
    expect(chains).toContain('operator')
    expect(await findingOf(client)).toMatchObject({ tampering: 'cut off', sequence: 1 })
  })

  describe('names the first row of five', () => {
    const OTHER: Record<string, string> = {
      version: '2',
      at: `at + interval '1 millisecond'`,
      details: `replace(details, ':', ': ')`,
      previous: `'x'`,
      hash: `'x'`,
    }
    const columns = Object.keys({
      ...{ version: 0, at: 0, act: 0, actor: 0, address: 0, request_id: 0, service_account_id: 0, mailbox: 0 },
      ...{ subject: 0, reason: 0, details: 0, previous: 0, hash: 0 },
    } satisfies Record<Exclude<keyof AuditEvent, 'client_id' | 'sequence'>, 0>)

    it.each(columns)('whose %s was edited', async (column) => {
      const client = await chainOf(5)
      const value = OTHER[column] ?? `'x' || ${column}`
      await sql(`update audit_events set ${column} = ${value} where client_id = ? and sequence = 3`, [client])
      expect(await findingOf(client)).toMatchObject({ tampering: 'edited', sequence: 3 })
    })

    it.each(['address', 'mailbox', 'details'])('whose %s was blotted out', async (column) => {
      const client = await chainOf(5)
      await sql(`update audit_events set ${column} = null where client_id = ? and sequence = 5`, [client])
      expect(await findingOf(client)).toMatchObject({ tampering: 'edited', sequence: 5 })
    })

    const editAndComputeAnew = async (client: string, from: number, upTo: number) => {
      await sql(`update audit_events set actor = 'client:y' where client_id = ? and sequence = ?`, [client, from])
      let previous = ''
      for (const event of (await eventsOf(client)).filter(({ sequence }) => sequence >= from && sequence <= upTo)) {
        const anew = { ...event, previous: previous || event.previous }
        previous = hashOfEvent(anew)!
        const values = [anew.previous, previous, client, event.sequence]
        await sql('update audit_events set previous = ?, hash = ? where client_id = ? and sequence = ?', values)
      }
      return previous
    }

    it('that was edited and computed anew', async () => {
      const client = await chainOf(5)
      await editAndComputeAnew(client, 2, 2)
      expect(await findingOf(client)).toMatchObject({ tampering: 'edited', sequence: 2 })
    })

    it('as the last that can be right when everything behind an edit was computed anew', async () => {
      const client = await chainOf(5)
      await editAndComputeAnew(client, 2, 5)
      expect(await findingOf(client)).toMatchObject({ tampering: 'edited', sequence: 5 })
    })

    it('that was deleted', async () => {
      const client = await chainOf(5)
      await sql('delete from audit_events where client_id = ? and sequence = 3', [client])
      expect(await findingOf(client)).toMatchObject({ tampering: 'deleted', sequence: 3 })
    })

    it('that was moved into another client’s chain', async () => {
      const [client, other] = [await chainOf(5), await chainOf(2)]
      await sql('update audit_events set client_id = ?, sequence = 3 where client_id = ? and sequence = 3', [
        other,
        client,
      ])
      expect(await findingOf(client)).toMatchObject({ tampering: 'deleted', sequence: 3 })
      expect(await findingOf(other)).toMatchObject({ tampering: 'planted', sequence: 3 })
    })

    it('that was exchanged with a later one', async () => {
      const client = await chainOf(5)
      await sql(
        `update audit_events set sequence = case sequence when 2 then -4 else -2 end
         where client_id = ? and sequence in (2, 4)`,
        [client],
      )
      await sql('update audit_events set sequence = -sequence where client_id = ? and sequence < 0', [client])
      expect(await findingOf(client)).toMatchObject({ tampering: 'reordered', sequence: 2 })
    })

    it('of those that were cut off', async () => {
      const client = await chainOf(5)
      await sql('delete from audit_events where client_id = ? and sequence > 3', [client])
      expect(await findingOf(client)).toMatchObject({ tampering: 'cut off', sequence: 4 })
    })

    it.each([0, 6])('that was planted at %d', async (sequence) => {
      const client = await chainOf(5)
      const [last] = (await eventsOf(client)).slice(-1)
      const planted = { ...last!, sequence, previous: last!.hash, subject: 'gra_planted' }
      const { address, request_id, mailbox, subject, reason, details, previous } = planted
      await sql(
        `insert into audit_events (month, client_id, sequence, version, at, act, actor, address, request_id,
           service_account_id, mailbox, subject, reason, details, previous, hash)
         values (date_trunc('month', now()), ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        [
          ...[client, sequence, planted.at, planted.act, planted.actor, address, request_id],
          ...[planted.service_account_id, mailbox, subject, reason, details, previous, hashOfEvent(planted)],
        ],
      )
      expect(await findingOf(client)).toMatchObject({ tampering: 'planted', sequence })
    })

    it.each(['sequence', 'hash', 'signed_at', 'signature'] as const)('whose head has another %s', async (column) => {
      const client = await chainOf(5)
      const value = { sequence: '4', hash: `'x'`, signed_at: `signed_at + interval '1 s'`, signature: `'v1.k1.AAAA'` }
      await sql(`update audit_heads set ${column} = ${value[column]} where client_id = ?`, [client])
      expect(await findingOf(client)).toMatchObject({ tampering: 'forged' })
    })

    it('whose head was signed with somebody else’s key', async () => {
      const client = await chainOf(5)
      const hash = await editAndComputeAnew(client, 2, 5)
      const theirs = partsFor(ground.database, signerOf(newKey('k1')))
      await sql('update audit_heads set hash = ? where client_id = ?', [hash, client])
      expect((await theirs.verifier.verify(client)).finding).toMatchObject({ tampering: 'forged' })
      expect(await findingOf(client)).toMatchObject({ tampering: 'forged' })
    })

    it('whose head is gone', async () => {
      const client = await chainOf(5)
      await sql('delete from audit_heads where client_id = ?', [client])
      expect(await findingOf(client)).toMatchObject({ tampering: 'cut off', sequence: 1 })
    })

    it('that was cut off together with its head, when a head was kept elsewhere', async () => {
      const client = await chainOf(3)
      const older = await headOf(client)
      await record(client, 'gra_4')
      await parts().arrivals.chain()
      const kept = await headOf(client)
      expect(await findingOf(client, kept)).toBeNull()

      await sql('delete from audit_events where client_id = ? and sequence = 4', [client])
      const values = [older.sequence, older.hash, older.signed_at, older.signature, client]
      await sql(
        'update audit_heads set sequence = ?, hash = ?, signed_at = ?, signature = ? where client_id = ?',
        values,
      )
      expect(await findingOf(client)).toBeNull()
      expect(await findingOf(client, kept)).toMatchObject({ tampering: 'cut off', sequence: 4 })

      await record(client, 'gra_another')
      await parts().arrivals.chain()
      expect(await findingOf(client, kept)).toMatchObject({ tampering: 'edited', sequence: 4 })
    })
  })
})
