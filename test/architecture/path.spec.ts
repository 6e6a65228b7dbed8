import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, sourceFiles } from './source-files.js'

const page = readFileSync(join(ROOT, 'docs/path.md'), 'utf8')
const linked = [...page.matchAll(/\]\(\.\.\/([^)#]+)\)/g)].map(([, path]) => path!)

/** Wiring, pages and what tests stand on are not on the path; everything else in these rooms is. */
const FEATURES = ['delegated-access', 'service-accounts', 'tokens', 'proxy', 'end-user-oauth', 'graphql']
const onThePath = FEATURES.flatMap((name) => sourceFiles(`libs/features/${name}`))
  .map(({ path }) => path)
  .filter((path) => !/(spec|module)\.tsx?$/.test(path) && !/\/(pages|testing)\//.test(path))

describe('docs/path.md', () => {
  it('names files that exist', () => {
    expect(linked.filter((path) => !existsSync(join(ROOT, path)))).toEqual([])
  })

  it('names every file of the features that it follows: put a new one where it belongs in the story', () => {
    expect(onThePath.filter((path) => !linked.includes(path))).toEqual([])
  })

  it('calls a file by its name', () => {
    const misnamed = [...page.matchAll(/\[`([^`]+)`\]\(\.\.\/([^)#]+\.tsx?)\)/g)].filter(
      ([, name, path]) =>
        /^[a-z]/.test(name!) && !path!.replace(/\.tsx?$/, '').endsWith(name!) && !path!.startsWith(`${name}/`),
    )
    expect(misnamed.map(([text]) => text)).toEqual([])
  })
})
