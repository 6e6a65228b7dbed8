import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { rowsOf } from '#platform/testing/rows-of.js'
import { mandate, mandateJson } from './cli-process.js'

/** More than two pages. */
const ROWS = 2_500
const monthOf = (time: number) => new Date(time).toISOString().slice(0, 7)

describe('the archive of the audit, at a terminal', () => {
  const { url } = testDatabase()
  const present = monthOf(Date.now())
  const last = monthOf(Date.parse(`${present}-01`) - 1)
  const name = `audit-${last}.ndjson`
  let directory: string
  let settings: Record<string, string>

  const sql = (text: string, values?: unknown[]) => rowsOf(url, text, values)
  const archive = (more: string[], failPoint = '') =>
    mandate(['audit', 'archive', '--before', present, ...more, '--json'], {
      ...settings,
      ...(failPoint && { MANDATE_FAIL_POINT: failPoint }),
    })
  const verify = () => mandate(['audit', 'verify', '--archive', directory, '--json'], settings)
  const rowsOfLast = async () => (await sql(`select count(*)::int from audit_events where month = '${last}-01'`))[0]

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'mandate-archive-'))
    settings = { DATABASE_URL: url.reveal(), MANDATE_ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}` }
    await sql(
      `insert into audit_arrivals (client_id, at, act, actor)
       select 'cli_old', $1::timestamptz, 'code.issued', 'mandate' from generate_series(1, ${ROWS}) n`,
      [`${last}-15`],
    )
    await mandateJson(['audit', 'verify'], settings)
    // As if they had been chained then.
    await sql(`select make_audit_months('${last}-01')`)
    await sql(`update audit_events set month = '${last}-01' where client_id = 'cli_old'`)
  })
  afterAll(() => rm(directory, { recursive: true }))

  it('says what would leave, and lets nothing go without a place for it', async () => {
    const { stdout } = await archive(['--dry-run'])
    expect(JSON.parse(stdout)).toEqual({
      would_archive: [{ month: last, chains: 1, rows: ROWS, bytes: expect.any(Number) }],
    })
    const refused = await archive([])
    expect(refused.exitCode).toBe(2)
    expect(refused.stderr).toContain('--to: is needed')
    const early = await mandate(['audit', 'archive', '--before', '2999-01', '--dry-run'], settings)
    expect(early.exitCode).toBe(2)
    expect(early.stderr).toContain('a month leaves when it is over')
    expect(await rowsOfLast()).toEqual({ count: ROWS })
  })

  it.each([
    ['between two pages', 'archive-audit.written:2', [`${name}.part`]],
    ['between the file and the database', 'archive-audit.finished', [name]],
  ])('killed %s, has dropped nothing', async (_when, failPoint, files) => {
    const { exitCode } = await archive(['--to', directory], failPoint)
    expect(exitCode).toBeNull()
    expect(await readdir(directory)).toEqual(files)
    expect(await rowsOfLast()).toEqual({ count: ROWS })
  })

  it('given again, goes on where it was, and the audit is whole without and with its files', async () => {
    const { exitCode, stdout } = await archive(['--to', directory])
    expect({ exitCode, ...JSON.parse(stdout) }).toEqual({
      exitCode: 0,
      archived: [{ month: last, file: join(directory, name), lines: ROWS, sha256: expect.stringMatching(/^\w{64}$/) }],
    })
    expect(await sql(`select to_regclass('audit_events_${last.replace('-', '_')}') as table`)).toEqual([
      { table: null },
    ])
    const chain = { client: 'cli_old', rows: 0, archived: ROWS, finding: null }
    expect(await mandateJson(['audit', 'verify'], settings)).toMatchObject({
      intact: true,
      chains: expect.arrayContaining([chain]),
    })
    const whole = await verify()
    expect({ exitCode: whole.exitCode, ...JSON.parse(whole.stdout) }).toMatchObject({
      exitCode: 0,
      intact: true,
      chains: expect.arrayContaining([chain]),
      archives: [{ archive: name, lines: ROWS, problem: null }],
    })
  })

  it('tells in an export from when on it is complete', async () => {
    const { stdout } = await mandate(['audit', 'export'], settings)
    expect(JSON.parse(stdout.trimEnd().split('\n').at(-1)!).export.complete_from).toBe(`${present}-01`)
  })

  it('ends with 1 when a file is not as it was written', async () => {
    const file = join(directory, name)
    await writeFile(file, (await readFile(file, 'utf8')).replace('"sequence":7,', '"sequence":8,'))
    const { exitCode, stdout } = await verify()
    expect({ exitCode, ...JSON.parse(stdout) }).toMatchObject({
      exitCode: 1,
      intact: false,
      archives: [{ archive: name, problem: expect.stringContaining('row 7 of cli_old belongs here') }],
    })
  })
})
