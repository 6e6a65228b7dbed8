import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import {
  DELEGATED_SCOPES,
  MICROSOFT_DIRECTORY_PERMISSIONS,
  microsoftPermissionFor,
  permissionsOf,
} from '#domain/providers/delegated-scopes.js'
import { PROVIDER_NAMES } from '#domain/providers/provider.port.js'
import { returnUri } from '#features/service-accounts/operator-way.js'
import { referencePage, withReferenceTable } from '#platform/config/reference.js'
import { ROOT, sourceFiles } from './source-files.js'

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const readme = read('README.md')
const manifest = JSON.parse(read('package.json')) as Record<string, Record<string, string>>

const documents = [
  ...readdirSync(ROOT),
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' }).map((name) => `docs/${name}`),
].filter((name) => name.endsWith('.md'))

describe('documents', () => {
  it('docs/configuration.md is fresh: after a change of libs/platform/config/variables.ts run `npm run docs`', () => {
    expect(read('docs/configuration.md')).toBe(referencePage())
  })

  it('README.md has the same table of configuration: `npm run docs` writes it', () => {
    expect(readme).toBe(withReferenceTable(readme))
  })

  it.each(documents)('%s links to nothing that is not there', (path) => {
    const targets = [...read(path).matchAll(/\]\(([^)\s#]+)[^)]*\)|\bsrc="([^"]+)"/g)].map(
      (match) => match[1] ?? match[2]!,
    )
    const own = targets.filter((target) => !/^[a-z]+:/.test(target))
    expect(own.filter((target) => !existsSync(join(ROOT, dirname(path), target)))).toEqual([])
  })

  it('name no npm script that package.json does not have', () => {
    const named = documents.flatMap((path) => [...read(path).matchAll(/\bnpm run (?:--silent )?([a-z:]+)/g)])
    expect(named.length).toBeGreaterThan(10)
    expect(named.map(([, script]) => script!).filter((script) => !(script in manifest.scripts!))).toEqual([])
  })
})

describe('README.md', () => {
  it('names the test command that CI runs', () => {
    expect(readme).toMatch(/^npm test$/m)
    expect(read('.ci/run')).toMatch(/^npm test$/m)
  })

  it('names no option that the CLI does not take', () => {
    const cli = sourceFiles('libs/features/administration/cli').map(({ text }) => text)
    const commands = readme.match(/npm run --silent mandate -- (?:[^\n]*\\\n)*[^\n]*/g)!
    const options = commands.flatMap((command) => command.match(/ --(?!silent)[a-z-]{2,}/g) ?? [])
    expect(options.length).toBeGreaterThan(5)
    expect(
      options.filter((option) => option !== ' --help' && !cli.some((text) => text.includes(`${option.trim()} `))),
    ).toEqual([])
  })

  it.each(PROVIDER_NAMES)('names the redirect URI to register at %s', (provider) => {
    expect(readme).toContain(`\`${returnUri(new URL('https://mandate.example.com'), provider)}\``)
  })

  it('names every application permission that Microsoft is ever asked for', () => {
    const calendars = DELEGATED_SCOPES.map((scope) => microsoftPermissionFor(permissionsOf([scope])))
    const needed = new Set([...calendars, ...Object.values(MICROSOFT_DIRECTORY_PERMISSIONS)])
    const listed = readme.split('\n').filter((line) => line.trim().startsWith('| application |'))
    const named = listed.flatMap((line) => [...line.matchAll(/`([^`]+)`/g)].map(([, name]) => name!))
    expect(named.sort()).toEqual([...needed].sort())
  })
})

/** As many are on the list that the tests were written from: R1 is an exact redirect URI, R102 a service account's end. */
const REQUIREMENTS = 102

describe('docs/threat-model.md', () => {
  const threats = read('docs/threat-model.md')

  it('leaves no requirement out: each is shown by a test, or a line says why not', () => {
    // The introduction names the first and the last, and answers none.
    const answers = threats.slice(threats.indexOf('\n## '))
    const answered = new Set(
      [...answers.matchAll(/\bR(\d+)(?:–R(\d+))?/g)].flatMap(([, first, last = first]) =>
        Array.from({ length: Number(last) - Number(first) + 1 }, (_, n) => Number(first) + n),
      ),
    )
    expect([...answered].sort((one, other) => one - other)).toEqual(
      Array.from({ length: REQUIREMENTS }, (_, n) => n + 1),
    )
  })

  it('has a test in each row, and names none that is not there', () => {
    const rows = threats.split('\n').filter((line) => /^\| [^-|]/.test(line) && !/\| test \|$/.test(line))
    expect(rows.length).toBeGreaterThan(100)
    expect(rows.filter((row) => !/spec|npm run test:faults/.test(row.split(' | ').at(-1)!))).toEqual([])
    const named = [...threats.matchAll(/`((?:libs|test)\/[^`*]+)`/g)].map(([, path]) => path!)
    expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([])
  })
})

describe('docs/adr/0005-dependencies.md', () => {
  const named = [...read('docs/adr/0005-dependencies.md').matchAll(/^\|([^|]+)\|/gm)]
    .flatMap(([, cell]) => [...cell!.matchAll(/`([^`]+)`/g)])
    .map(([, name]) => name!)
  const installed = ['dependencies', 'optionalDependencies', 'devDependencies'].flatMap((kind) =>
    Object.keys(manifest[kind]!),
  )
  const isNamed = (name: string) => named.includes(name) || named.includes(name.replace(/\/.*/, '/*'))

  it('has a row for every dependency', () => {
    expect(installed.filter((name) => !isNamed(name))).toEqual([])
  })

  it('has no row for what is not installed', () => {
    const gone = named.filter((name) => !installed.some((each) => each === name || each.replace(/\/.*/, '/*') === name))
    expect(gone).toEqual([])
  })
})

/** Docs/glossary.md says why. */
const BANNED = /^(utils?|helpers?|common|shared|misc|base|managers?)$/

describe('names', () => {
  it('Without a better name than utils, helpers, common, shared, misc, base or manager it has no clear duty.', () => {
    const paths = ['libs', 'apps', 'test', 'bench'].flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`),
    )
    expect(
      paths.filter((path) =>
        basename(path)
          .toLowerCase()
          .split(/[-._]/)
          .some((word) => BANNED.test(word)),
      ),
    ).toEqual([])
  })
})
