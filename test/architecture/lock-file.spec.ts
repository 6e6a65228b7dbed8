import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './source-files.js'

interface Locked {
  optionalDependencies?: Record<string, string>
}

const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
  packages: Record<string, Locked>
}

/** As Node looks for it: beside the package that wants it, or further up. */
function isLocked(name: string, wantedBy: string): boolean {
  const above = wantedBy.slice(0, Math.max(0, wantedBy.lastIndexOf('node_modules/') - 1))
  const here = `${wantedBy}${wantedBy ? '/' : ''}node_modules/${name}`
  return here in packages || (wantedBy !== '' && isLocked(name, above))
}

describe('package-lock.json', () => {
  it('has the packages of every platform, or `npm ci` refuses it: take a version whose packages are all published', () => {
    const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies)
        .filter((name) => !isLocked(name, path))
        .map((name) => `${name}, wanted by ${path.replace(/^node_modules\//, '')}`),
    )
    expect(missing).toEqual([])
  })
})
