import { sourceFiles } from './source-files.js'

const sources = sourceFiles('libs', 'apps').filter(({ path }) => !/spec\.ts$/.test(path))

/** Every match of the first group, with the file it stands in. */
const found = (pattern: RegExp) =>
  sources.flatMap(({ path, text }) => [...text.matchAll(pattern)].map((match) => ({ path, name: match[1]! })))

const jobs = found(/\bexport const (\w+) = defineJob\b/g)
const processors = found(/@Processor\((\w+)\.name\b/g)
const classes = found(/@Processor\([^)]*\)\s*export class (\w+)/g)

describe('jobs', () => {
  it('are there', () => {
    expect(jobs.length).toBeGreaterThan(0)
  })

  it.each(jobs)(
    '$name has exactly one processor: write a class with @Processor for it, and no second one',
    ({ name }) => {
      expect(processors.filter((processor) => processor.name === name)).toHaveLength(1)
    },
  )

  it.each(processors)('$path is for a job that a *.jobs.ts defines: $name', ({ name }) => {
    const [job] = jobs.filter((each) => each.name === name)
    expect(job?.path).toMatch(/\.jobs\.ts$/)
  })

  it.each(classes)(
    '$name is provided by exactly one *.worker.module.ts of its feature, or nobody would run it',
    ({ name, path }) => {
      const room = path.split('/').slice(0, 3).join('/')
      const providing = sources.filter(
        (source) =>
          source.path.startsWith(room) &&
          source.path.endsWith('.worker.module.ts') &&
          new RegExp(`providers: \\[[^\\]]*\\b${name}\\b`).test(source.text),
      )
      expect(providing).toHaveLength(1)
    },
  )

  it('have names of their own: two of one name would share a queue', () => {
    const names = found(/^ {2}name: '([^']+)',$/gm).filter(({ path }) => path.endsWith('.jobs.ts'))
    expect(names).toHaveLength(jobs.length)
    expect(new Set(names.map(({ name }) => name)).size).toBe(jobs.length)
  })
})
