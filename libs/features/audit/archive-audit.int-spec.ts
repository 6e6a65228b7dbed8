import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AuditEvent } from '#domain/audit/audit-event.js'
import { BEFORE_ALL, hashOfEvent } from '#domain/audit/canonical-form.js'
import { recordAct } from '#domain/audit/record-act.js'
import { Secret } from '#platform/secrets/secret.js'
import type { Signer } from '#platform/secrets/signer.js'
import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { rowsOf } from '#platform/testing/rows-of.js'
import { actIn, archived, findings, newDirectory, partsOf, problems } from './testing/archives-for-tests.js'

describe('a month that leaves', () => {
  const ground = databaseForTests([])
  const sql = (text: string, values: unknown[] = []) =>
    ground.database.read((em) => em.execute<Record<string, unknown>[]>(text, values))
  const at = (time: string, signer?: Signer) => partsOf(ground.database, time, signer)
  const june = () => at('2026-06-15T12:00:00Z')
  let directory: string

  beforeAll(async () => {
    directory = await newDirectory()
    await actIn(ground.database, ['2026-02', '2026-03', '2026-04', '2026-05'])
  })
  afterAll(() => rm(directory, { recursive: true }))

  it('is shown beforehand with what is in it, and must be over', async () => {
    expect(await Array.fromAsync(june().archiveAudit.due('2026-04-01'))).toEqual([
      { month: '2026-02-01', chains: 3, rows: 8, bytes: expect.any(Number) },
      { month: '2026-03-01', chains: 1, rows: 3, bytes: expect.any(Number) },
    ])
    await expect(Array.fromAsync(june().archiveAudit.due('2026-07-01'))).rejects.toMatchObject({
      problems: { before: [{ description: expect.stringContaining('2026-06 or earlier') }] },
    })
  })

  it('stays when a row of any month is not as it was written', async () => {
    const break_ = `update audit_events set actor = ? where client_id = 'cli_busy' and sequence = 11`
    await sql(break_, ['somebody'])
    await expect(archived(june(), '2026-04-01', directory)).rejects.toMatchObject({
      publicText: expect.stringMatching(/nothing of it was dropped\. cli_busy: row 11 was edited/),
    })
    await sql(break_, ['mandate'])
    expect(await sql('select from audit_archives')).toEqual([])
    expect(await readdir(directory)).toEqual([])
  })

  it('stays when the file that an earlier run has begun holds something else', async () => {
    const part = join(directory, 'audit-2026-02.ndjson.part')
    const [row] = await sql(`select * from audit_events where client_id = 'cli_busy' and sequence = 3`)
    await writeFile(part, `${JSON.stringify({ ...row, sequence: 3 })}\n`)
    await expect(archived(june(), '2026-04-01', directory)).rejects.toMatchObject({
      publicText: expect.stringMatching(/nothing was dropped\. Line 1: row 1 of cli_busy belongs here/),
    })
    await rm(part)
  })

  it.each([
    ['begun', 'audit-2026-02.ndjson.part', ''],
    ['finished', 'audit-2026-02.ndjson', '{"archive":{"statement":"another","signature":"another"}}\n'],
  ])('stays when the file that is %s has rows of a chain that the database never had', async (_, name, ending) => {
    // Anybody can compute a hash: what proves a row is that its chain leads to one that is signed for.
    const row = { client_id: 'cli_planted', sequence: 1, version: 1, previous: BEFORE_ALL, at: '', act: 'code.issued' }
    const planted = `${JSON.stringify({ ...row, hash: hashOfEvent(row as AuditEvent) })}\n${ending}`
    await writeFile(join(directory, name), planted)
    await expect(archived(june(), '2026-04-01', directory)).rejects.toMatchObject({
      publicText: expect.stringMatching(/nothing was dropped\. .*cli_planted/),
    })
    expect(await readdir(directory)).toEqual([name])
    expect(await readFile(join(directory, name), 'utf8')).toBe(planted)
    await rm(join(directory, name))
  })

  it('stays when somebody reads the audit for long, a backup for example', async () => {
    await ground.database.inTransaction(async (tx) => {
      await tx.execute('select 1 from audit_events limit 1')
      await expect(archived(june(), '2026-03-01', directory)).rejects.toMatchObject({ code: 'unavailable' })
    })
    expect(await sql('select from audit_archives')).toEqual([])
  })

  it('stays when its chains have grown since its file was written', async () => {
    const parts = june()
    const cut = parts.chains.cut.bind(parts.chains)
    parts.chains.cut = async (statement) => {
      await at('2026-02-28T23:59:59Z').arrivals.chain()
      await cut(statement)
    }
    await ground.database.inTransaction((tx) =>
      recordAct(tx, { clientId: 'cli_idle', at: new Date('2026-02-28T23:59:58Z'), act: 'code.issued' }),
    )
    const caughtUp = parts.arrivals.catchUp
    parts.arrivals.catchUp = async () => parts.clock.now()
    await expect(archived(parts, '2026-03-01', directory)).rejects.toMatchObject({
      publicText: expect.stringMatching(/chain of cli_idle does not end in this month as its archive does/),
    })
    parts.arrivals.catchUp = caughtUp
  })

  it('is let go by one operator, into a file for the operator alone; chains go on from what is signed for', async () => {
    const parts = june()
    const cut = parts.chains.cut.bind(parts.chains)
    parts.chains.cut = async (statement) => {
      await expect(archived(june(), '2026-04-01', directory)).rejects.toMatchObject({
        publicText: expect.stringContaining('Somebody else is archiving'),
      })
      await cut(statement)
    }
    const months = await archived(parts, '2026-04-01', directory)
    expect(months).toMatchObject([
      { month: '2026-02-01', lines: 9 },
      { month: '2026-03-01', lines: 3 },
    ])
    expect((await readdir(directory)).sort()).toEqual(['audit-2026-02.ndjson', 'audit-2026-03.ndjson'])
    expect((await stat(months[0]!.file)).mode & 0o777).toBe(0o600)
    expect((await june().months.stored()).map(({ month }) => month)).not.toContain('2026-03-01')
    expect(await sql(`select min(sequence)::int as first from audit_events where client_id = 'cli_busy'`)).toEqual([
      { first: 7 },
    ])
    const chains = await Array.fromAsync(june().verifyAudit.verify({}))
    expect(chains).toEqual([
      { clientId: 'cli_busy', rows: 6, archived: 6, finding: null },
      { clientId: 'cli_idle', rows: 0, archived: 4, finding: null },
      { clientId: 'operator', rows: expect.any(Number), archived: 2, finding: null },
    ])
    expect(await problems(june(), directory)).toEqual([])
    expect(await sql(`select subject from audit_events where act = 'audit.archived' order by subject`)).toEqual([
      { subject: '2026-02' },
      { subject: '2026-03' },
    ])
    expect(await june().archives.completeFrom()).toBe('2026-04-01')
    expect(await archived(june(), '2026-04-01', directory)).toEqual([])
  })

  it('takes nobody out of those who could read a mailbox: grants outlive the acts that made them', async () => {
    await sql(`insert into clients (id, name, redirect_uris, callback_origins, sealed_signing_secret, created_at)
      values ('cli_busy', 'Busy', '{}', '{}', '', now())`)
    await sql(`insert into service_accounts (id, client_id, provider, organisation_id, organisation_name, domains,
        administrator_email, credential_source, credential_version, scope, delegated_scope, created_at, updated_at)
      values ('ser_1', 'cli_busy', 'google', 'C01', 'Acme', '{}', '', 'operator', '', '{}', '{}', now(), now())`)
    for (const [n, service, granted] of [
      [1, `'ser_1'`, '2026-02-10T10:00:00Z'],
      [2, 'null', '2026-02-11T10:00:00Z'],
      [3, `'ser_1'`, '2026-05-11T10:00:00Z'],
    ]) {
      await sql(`insert into accounts (id, client_id, service_account_id, provider, email, kind, provider_user_id, profile_id, created_at)
        values ('acc_${n}', 'cli_busy', ${service}, 'google', 'anna@acme.test', 'person', '${n}', '', '${granted}')`)
      await sql(`insert into grants (id, client_id, service_account_id, account_id, kind, scope, created_at)
        values ('gra_${n}', 'cli_busy', ${service}, 'acc_${n}', 'person', '{read_only}', '${granted}')`)
    }
    const { readers, completeFrom } = await june().showReaders.show('Anna@acme.test', new Date('2026-06-01'))
    expect(completeFrom).toBe('2026-04-01')
    expect(readers.map(({ grant_id, client_name }) => [grant_id, client_name])).toEqual([
      ['gra_2', 'Busy'],
      ['gra_1', 'Busy'],
    ])
    expect((await june().showReaders.show('anna@acme.test', new Date('2026-02-10'))).readers).toHaveLength(1)
  })

  it('is not made again by a process whose clock is behind', async () => {
    await at('2026-02-28T23:59:59Z').months.make()
    expect((await june().months.stored()).map(({ month }) => month)).not.toContain('2026-02-01')
  })

  it('leaves a chain that can go on though nothing of it is there, and one that nobody can begin anew', async () => {
    const record = (clientId: string) =>
      ground.database.inTransaction((tx) => recordAct(tx, { clientId, at: june().clock.now(), act: 'code.issued' }))
    await record('cli_idle')
    await june().arrivals.chain()
    expect(await sql(`select sequence::int from audit_events where client_id = 'cli_idle'`)).toEqual([{ sequence: 5 }])
    expect(await findings(june())).toEqual([])

    const head = await sql(`delete from audit_heads where client_id = 'cli_idle' returning *, month::text as month`)
    const rows = await sql(`delete from audit_events where client_id = 'cli_idle' returning 1`)
    expect(rows).toHaveLength(1)
    await record('cli_idle')
    await june().arrivals.chain()
    expect(await findings(june())).toMatchObject([{ clientId: 'cli_idle', finding: { tampering: 'cut off' } }])
    expect(head).toHaveLength(1)
    expect(await sql(`select 1 from audit_arrivals where client_id = 'cli_idle'`)).toHaveLength(1)
  })
})

describe('a database user who owns no table', () => {
  const { url } = testDatabase()
  const theirUrl = new URL(url.reveal())
  theirUrl.username = `process_of_${process.pid}`
  theirUrl.password = 'x'
  const ground = databaseForTests([], new Secret(theirUrl.href))

  it('is told so before anything is written', async () => {
    await rowsOf(url, `create role ${theirUrl.username} login password 'x'`)
    await rowsOf(url, `grant select, insert, update, delete on all tables in schema public to ${theirUrl.username}`)
    await expect(
      archived(partsOf(ground.database, '2026-06-15T12:00:00Z'), '2026-06-01', '/nowhere'),
    ).rejects.toMatchObject({
      publicText: expect.stringContaining('does not own the tables of the audit'),
    })
    await rowsOf(url, `drop owned by ${theirUrl.username}; drop role ${theirUrl.username}`)
  })
})
