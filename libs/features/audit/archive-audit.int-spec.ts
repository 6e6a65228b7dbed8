import { cp, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stateArchive } from '#domain/audit/audit-archive.js'
import { AuditArchives } from '#domain/audit/audit-archives.js'
import type { AuditEvent } from '#domain/audit/audit-event.js'
import { AuditMonths } from '#domain/audit/audit-months.js'
import { BEFORE_ALL, hashOfEvent } from '#domain/audit/canonical-form.js'
import { ChainArrivals } from '#domain/audit/chain-arrivals.js'
import { CutChains } from '#domain/audit/cut-chains.js'
import { FindEvents } from '#domain/audit/find-events.js'
import { FindReaders } from '#domain/audit/find-readers.js'
import { recordAct } from '#domain/audit/record-act.js'
import { VerifyChain } from '#domain/audit/verify-chain.js'
import type { Database } from '#platform/database/database.js'
import { Log } from '#platform/observability/log.js'
import { parseMasterKeys } from '#platform/secrets/parse-master-keys.js'
import { Secret } from '#platform/secrets/secret.js'
import { Signer } from '#platform/secrets/signer.js'
import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { HeldClock } from '#platform/testing/held-clock.js'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { rowsOf } from '#platform/testing/rows-of.js'
import { ArchiveAudit, type ArchivedMonth } from './archive-audit.js'
import { ShowReaders } from './show-readers.js'
import { VerifyArchives } from './verify-archives.js'
import { VerifyAudit } from './verify-audit.js'

const keyOf = (id: string, byte: number) => `${id}:${Buffer.alloc(32, byte).toString('base64')}`
const signerOf = (...keys: string[]) => new Signer(parseMasterKeys(keys.join(',')).keys!)
const OURS = keyOf('k1', 1)

function partsOf(database: Database, time: string, signer = signerOf(OURS)) {
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
async function act(database: Database, months: string[]) {
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
async function archived({ archiveAudit }: Parts, before: `${string}-01`, directory: string) {
  const months: ArchivedMonth[] = []
  await archiveAudit.archive(before, directory, { onArchived: (month) => months.push(month) })
  return months
}
const findings = async ({ verifyAudit }: Parts) =>
  (await Array.fromAsync(verifyAudit.verify({}))).filter(({ finding }) => finding)
const problems = async ({ verifyArchives }: Parts, directory: string) =>
  (await Array.fromAsync(verifyArchives.verify(directory))).filter(({ problem }) => problem)
const newDirectory = () => mkdtemp(join(tmpdir(), 'mandate-archive-'))

describe('a month that leaves', () => {
  const ground = databaseForTests([])
  const sql = (text: string, values: unknown[] = []) =>
    ground.database.read((em) => em.execute<Record<string, unknown>[]>(text, values))
  const at = (time: string, signer?: Signer) => partsOf(ground.database, time, signer)
  const june = () => at('2026-06-15T12:00:00Z')
  let directory: string

  beforeAll(async () => {
    directory = await newDirectory()
    await act(ground.database, ['2026-02', '2026-03', '2026-04', '2026-05'])
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

describe('an archive', () => {
  const ground = databaseForTests([])
  const sql = (text: string, values: unknown[] = []) =>
    ground.database.read((em) => em.execute<Record<string, unknown>[]>(text, values))
  const parts = (signer?: Signer) => partsOf(ground.database, '2026-06-15T12:00:00Z', signer)
  const [FEBRUARY, MARCH] = ['audit-2026-02.ndjson', 'audit-2026-03.ndjson']
  let directory: string
  let copy: string

  beforeAll(async () => {
    directory = await newDirectory()
    await act(ground.database, ['2026-02', '2026-03', '2026-04'])
    await archived(parts(), '2026-04-01', directory)
  })
  beforeEach(async () => {
    copy = await newDirectory()
    await cp(directory, copy, { recursive: true })
  })
  afterEach(() => rm(copy, { recursive: true }))
  afterAll(() => rm(directory, { recursive: true }))

  const linesOf = async (name: string) => (await readFile(join(copy, name), 'utf8')).trimEnd().split('\n')
  const write = (name: string, lines: string[]) => writeFile(join(copy, name), `${lines.join('\n')}\n`)
  const changed = async (name: string, change: (lines: string[]) => string[]) =>
    write(name, change(await linesOf(name)))

  const computedAnew = (lines: string[]): string[] => {
    let previous = ''
    return lines.map((line) => {
      const event: AuditEvent = JSON.parse(line)
      if (event.client_id !== 'cli_busy') return line
      const anew = { ...event, previous: previous || event.previous, actor: 'nobody' }
      previous = hashOfEvent(anew)!
      return JSON.stringify({ ...anew, hash: previous })
    })
  }

  it.each<[string, string, RegExp, () => Promise<unknown>]>([
    [
      'whose row was edited',
      FEBRUARY,
      /Line 2: row 2 of cli_busy was edited/,
      () => changed(FEBRUARY, (lines) => lines.with(1, lines[1]!.replace('code.issued', 'code.exchanged'))),
    ],
    [
      'that lacks a row',
      FEBRUARY,
      /Line 2: row 2 of cli_busy belongs here/,
      () => changed(FEBRUARY, (lines) => lines.toSpliced(1, 1)),
    ],
    [
      'whose last row of a chain is gone',
      FEBRUARY,
      /not have the lines/,
      () => changed(FEBRUARY, (lines) => lines.toSpliced(2, 1)),
    ],
    [
      'whose rows changed places',
      FEBRUARY,
      /Line 1: row 1 of cli_busy belongs here/,
      () => changed(FEBRUARY, ([one, two, ...rest]) => [two!, one!, ...rest]),
    ],
    [
      'that was computed anew, with a line signed by somebody else',
      MARCH,
      /does not end with what the database says/,
      () =>
        changed(MARCH, (lines) => {
          const { statement } = JSON.parse(lines.at(-1)!).archive
          const rows = computedAnew(lines.slice(0, -1))
          const theirs = signerOf(keyOf('k1', 9))
          const forged = statement.replace(/"sha256":"\w+"/, `"sha256":"${'0'.repeat(64)}"`)
          return [...rows, JSON.stringify({ archive: { statement: forged, signature: theirs.sign(forged) } })]
        }),
    ],
    [
      'that was computed anew below the line that was signed',
      MARCH,
      /not have the lines/,
      () => changed(MARCH, (lines) => [...computedAnew(lines.slice(0, -1)), lines.at(-1)!]),
    ],
    [
      'whose signed line is gone',
      MARCH,
      /does not end with what the database says/,
      () => changed(MARCH, (lines) => lines.slice(0, -1)),
    ],
    [
      'whose signature was forged',
      MARCH,
      /signature in it is forged/,
      () =>
        changed(MARCH, (lines) => {
          const { archive } = JSON.parse(lines.at(-1)!)
          const signature = signerOf(keyOf('k1', 9)).sign(archive.statement)
          return lines.with(-1, JSON.stringify({ archive: { ...archive, signature } }))
        }),
    ],
    ['that goes on behind its end', MARCH, /goes on behind/, () => changed(MARCH, (lines) => [...lines, lines[0]!])],
    [
      'with a line that is none of ours',
      MARCH,
      /Line 1: It is no JSON/,
      () => changed(MARCH, (lines) => ['x', ...lines]),
    ],
    ['that is not there', MARCH, /cannot be read \(ENOENT\)/, () => rm(join(copy, MARCH))],
    [
      'that lies in the place of another',
      FEBRUARY,
      /belongs here/,
      async () => {
        await rename(join(copy, FEBRUARY), join(copy, 'x'))
        await rename(join(copy, MARCH), join(copy, FEBRUARY))
        await rename(join(copy, 'x'), join(copy, MARCH))
      },
    ],
  ])('%s is named', async (_what, archive, problem, tamper) => {
    expect(await problems(parts(), copy)).toEqual([])
    await tamper()
    expect(await problems(parts(), copy)).toContainEqual({
      archive,
      lines: expect.any(Number),
      problem: expect.stringMatching(problem),
    })
  })

  it('that another operator has overtaken lets no month go', async () => {
    const facts = { archived_at: '', follows: null, lines: 0, sha256: '', chains: [] }
    const overtaken = stateArchive({ month: '2026-04-01', ...facts })
    const cut = parts().chains.cut({ month: '2026-04-01', statement: overtaken, signature: '' })
    await expect(cut).rejects.toMatchObject({ publicText: expect.stringContaining('Somebody else has archived') })
    expect((await parts().months.stored()).map(({ month }) => month)).toContain('2026-04-01')
  })

  it('knows the heads that were kept from its time', async () => {
    const last: AuditEvent = JSON.parse((await linesOf(MARCH))[2]!)
    const kept = { client_id: 'cli_busy', sequence: 6, hash: last.hash, signed_at: '', signature: '' }
    const verify = (hash: string) => Array.fromAsync(parts().verifyArchives.verify(copy, [{ ...kept, hash }]))
    expect((await verify(last.hash)).map(({ problem }) => problem)).toEqual([null, null])
    expect((await verify('another'))[1]).toMatchObject({ problem: expect.stringContaining('the kept head') })
  })

  it('is as good after the key that signed it has been taken away', async () => {
    const [older, newest] = [OURS, keyOf('k2', 2)]
    await parts(signerOf(newest, older)).arrivals.renewSignatures()
    const without = parts(signerOf(newest))
    expect(await findings(without)).toEqual([])
    expect(await problems(without, copy)).toEqual([])
    await parts(signerOf(older, newest)).arrivals.renewSignatures()
  })

  describe('whose statement in the database', () => {
    const newest = `where month = '2026-03-01'`
    let before: Record<string, unknown>
    beforeEach(async () => {
      before = (await sql(`select month::text as month, statement, signature from audit_archives ${newest}`))[0]!
    })
    afterEach(async () => {
      await sql(`delete from audit_archives ${newest}`)
      await sql('insert into audit_archives (month, statement, signature) values (?, ?, ?)', Object.values(before))
      expect(await findings(parts())).toEqual([])
    })

    it('is gone leaves every chain that goes on from it without its beginning', async () => {
      await sql(`delete from audit_archives ${newest}`)
      expect(await findings(parts())).toContainEqual(
        expect.objectContaining({
          clientId: 'cli_busy',
          finding: expect.objectContaining({ tampering: 'deleted', sequence: 4 }),
        }),
      )
    })

    it.each([
      ['says something else', `replace(statement, '"sequence":6', '"sequence":5')`],
      ['cannot be read', `'{"kind":"mandate-audit-archive-1",'`],
    ])('%s is forged', async (_what, statement) => {
      await sql(`update audit_archives set statement = ${statement} ${newest}`)
      expect(await findings(parts())).toContainEqual(expect.objectContaining({ clientId: 'cli_busy' }))
      expect(await problems(parts(), copy)).toContainEqual(
        expect.objectContaining({ archive: MARCH, problem: expect.stringContaining('signature that is forged') }),
      )
    })

    it('was signed for another purpose counts for nothing', async () => {
      const head = await sql(`select signature from audit_heads where client_id = 'cli_busy'`)
      await sql(`update audit_archives set signature = ? ${newest}`, [head[0]!.signature])
      expect(await findings(parts())).toContainEqual(
        expect.objectContaining({ clientId: 'cli_busy', finding: expect.objectContaining({ tampering: 'forged' }) }),
      )
    })
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
