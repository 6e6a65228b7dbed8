import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, resolve, sep } from 'node:path'

export const ROOT = resolve(import.meta.dirname, '../..')

export interface SourceFile {
  /** From the project's root, with forward slashes. */
  path: string
  text: string
  imports: string[]
}

const IMPORT = /(?:^|\n)\s*(?:import|export)\b(?:[^'"`;]*?\bfrom)?\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/g

export function sourceFiles(...folders: string[]): SourceFile[] {
  return folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.tsx?$/.test(name))
      .map((name) => {
        const file = join(ROOT, folder, name)
        const text = readFileSync(file, 'utf8')
        const imports = [...text.matchAll(IMPORT)].map((match) => (match[1] ?? match[2])!)
        return {
          path: relative(ROOT, file).split(sep).join('/'),
          text,
          imports: imports.map((name) => absolute(file, name)),
        }
      }),
  )
}

/** `./x.js` beside libs/domain/grants/y.ts is `libs/domain/grants/x.js`; `#domain/…` is `libs/domain/…`; packages stay. */
function absolute(file: string, name: string): string {
  if (name.startsWith('.'))
    return relative(ROOT, resolve(file, '..', name))
      .split(sep)
      .join('/')
  return name.startsWith('#') ? `libs/${name.slice(1)}` : name
}
