import { cp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stateArchive } from '#domain/audit/audit-archive.js'
import type { AuditEvent } from '#domain/audit/audit-event.js'
import { hashOfEvent } from '#domain/audit/canonical-form.js'
import { newKey, signerOf } from '#domain/audit/testing/audit-for-tests.js'
import type { Signer } from '#platform/secrets/signer.js'
import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { actIn, archived, findings, KEY, newDirectory, partsOf, problems } from './testing/archives-for-tests.js'

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
    await actIn(ground.database, ['2026-02', '2026-03', '2026-04'])
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
          const theirs = signerOf(newKey('k1'))
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
          const signature = signerOf(newKey('k1')).sign(archive.statement)
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
    const [older, newest] = [KEY, newKey('k2')]
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
