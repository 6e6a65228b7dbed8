import { randomBytes } from 'node:crypto'
import type { Database } from '#platform/database/database.js'
import { Log } from '#platform/observability/log.js'
import { currentOrigin, nameActor, withOrigin } from '#platform/observability/origin.js'
import { parseMasterKeys } from '#platform/secrets/parse-master-keys.js'
import { Secret } from '#platform/secrets/secret.js'
import { Signer } from '#platform/secrets/signer.js'
import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { HeldClock } from '#platform/testing/held-clock.js'
import { sealerForTests } from '#platform/testing/sealer-for-tests.js'
import { AuditArchives } from './audit-archives.js'
import type { AuditEvent } from './audit-event.js'
import { type AuditHead, HEAD_COLUMNS } from './audit-head.js'
import { AuditMonths } from './audit-months.js'
import { EVENT_COLUMNS, hashOfEvent } from './canonical-form.js'
import { ChainArrivals } from './chain-arrivals.js'
import { recordAct } from './record-act.js'
import { RecordUnreadableSecrets } from './record-unreadable-secrets.js'
import { VerifyChain } from './verify-chain.js'

const newKey = (id: string) => `${id}:${randomBytes(32).toString('base64')}`
const signerOf = (...keys: string[]) => new Signer(parseMasterKeys(keys.join(',')).keys!)

describe('the audit', () => {
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
        `insert into audit_events (client_id, sequence, version, at, act, actor, address, request_id,
           service_account_id, mailbox, subject, reason, details, previous, hash)
         values (?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
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
       select 'broken_' || n, 7, 'x', now(), 'v1.gone.x' from generate_series(1, 600) n`,
    )
    await partsFor(ground.database, signerOf(newest, lookalike, key)).arrivals.renewSignatures()
    await sql(`delete from audit_heads where client_id like 'broken%'`)
    expect((await headOf(client)).signature).toMatch(/^v1\.k_2\./)
    await partsFor(ground.database, signerOf(key, newest, lookalike)).arrivals.renewSignatures()
  })
})

describe('a sealed value that does not open', () => {
  const ground = databaseForTests([])
  const sealer = sealerForTests()
  const place = (row: string) => ({ table: 'clients', column: 'sealed_signing_secret', row, client: 'cli_1' }) as const

  it('is on record, once an hour for its column and client, whoever wanted to read it', async () => {
    const recorder = new RecordUnreadableSecrets(sealer, ground.database, new HeldClock(), new Log('silent'))
    recorder.onModuleInit()
    const sealed = await sealer.seal(new Secret('a secret'), place('cli_1'))
    for (const row of ['cli_2', 'cli_3'])
      await expect(withOrigin(caller, () => sealer.open(sealed, place(row)))).rejects.toThrow('altered')
    await expect(sealer.open(sealed.replace(/^v1/, 'v2'), { ...place('cli_1'), client: 'cli_9' })).rejects.toThrow()
    expect((await sealer.open(sealed, place('cli_1'))).reveal()).toBe('a secret')
    await recorder.beforeApplicationShutdown()
    const text = 'select client_id, act, actor, subject, reason, details from audit_arrivals order by client_id'
    const what = {
      act: 'secret.not_opened',
      reason: 'secrets.value_altered',
      details: '{"column":"clients.sealed_signing_secret"}',
    }
    expect(await ground.database.read((em) => em.execute(text))).toEqual([
      { client_id: 'cli_1', actor: 'client:cli_1', subject: 'cli_2', ...what },
      { client_id: 'cli_9', actor: 'mandate', subject: 'cli_1', ...what },
    ])
  })

  const caller = { actor: 'client:cli_1', address: '192.0.2.1', requestId: 'req_1' }
})

describe('the origin of an act', () => {
  it('is our own work where nobody called', () => {
    nameActor('client:cli_1')
    expect(currentOrigin()).toEqual({ actor: 'mandate', address: null, requestId: null })
  })

  it('is of one call alone, and is named by who authenticates', async () => {
    const call = { actor: 'anonymous', address: '192.0.2.1', requestId: 'req_1' }
    const seen = await Promise.all(
      ['client:cli_1', 'client:cli_2'].map((actor) =>
        withOrigin(call, async () => {
          nameActor(actor)
          await Promise.resolve()
          return currentOrigin()
        }),
      ),
    )
    expect(seen).toEqual([
      { ...call, actor: 'client:cli_1' },
      { ...call, actor: 'client:cli_2' },
    ])
    expect(call.actor).toBe('anonymous')
  })
})
