import { sourceFiles } from './source-files.js'

/** The last word of what is compared: `code` is not among them, because every error has one. */
const SECRET =
  /(secret|token|hash|mac|digest|csrf|proof|signature|verifier|challenge|password|apiKey|adminKey|cookie)(\.reveal\(\))?$/i
const COMPARISON = /([\w$.?!]+(?:\(\))?) (?:===|!==) ([\w$.?!]+(?:\(\))?)/g
/** `x === null`, `typeof x`, `x.length`: nothing is learnt of a value by asking what it is. */
const SAYS_NOTHING = /^(null|undefined|true|false|\d+)$|\.length$/

/** Who compares them all the same, and why that tells nobody anything. */
const HARMLESS: Record<string, string> = {
  'libs/domain/audit/chain-arrivals.ts': 'hashes of the audit, which are no secrets',
  'libs/domain/audit/verify-chain.ts': 'hashes of the audit, which are no secrets',
  'libs/features/audit/read-archive.ts': 'hashes of the audit, which are no secrets',
  'libs/features/audit/verify-archives.ts': 'hashes of the audit, which are no secrets',
  'libs/domain/providers/google/google-user-sign-in.ts': 'two tokens, both from the provider',
}

/** Whoever waits for `===` learns how much was right; SQL must not do for us what code may not. */
describe('what authenticates somebody', () => {
  const production = sourceFiles('libs', 'apps/api', 'apps/worker', 'apps/cli').filter(
    ({ path }) => !/spec\.tsx?$|\/testing\//.test(path),
  )

  const comparedIn = (text: string) =>
    [...text.matchAll(COMPARISON)]
      .filter(([, left, right]) => ![left, right].some((side) => SAYS_NOTHING.test(side!)))
      .filter(([, left, right]) => [left, right].some((side) => SECRET.test(side!)))
      .map(([comparison]) => comparison)

  it('is compared in constant time, by `equalInConstantTime`', () => {
    const found = production.flatMap(({ path, text }) => comparedIn(text).map((comparison) => ({ path, comparison })))
    expect(found.filter(({ path }) => !(path in HARMLESS))).toEqual([])
    expect([...new Set(found.map(({ path }) => path))].sort()).toEqual(Object.keys(HARMLESS).sort())
  })

  it('is looked up by its hash where the database finds it', () => {
    const columns = /\b\w*(?:secret|token|code|cookie)(?:\)|\b) = (?:\$\d|any)/g
    const found = production.flatMap(({ path, text }) =>
      [...text.matchAll(columns)].map(([comparison]) => ({ path, comparison })),
    )
    expect(found).toEqual([])
  })

  it('would be found if it were compared otherwise', () => {
    expect(comparedIn('if (csrf !== expected) return')).toHaveLength(1)
    expect(comparedIn('client.secret.reveal() === presented')).toHaveLength(1)
    expect(comparedIn('hash === undefined || token.length === 32')).toEqual([])
  })
})
