import { readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { ROOT, type SourceFile, sourceFiles } from './source-files.js'

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>
}

const isTest = ({ path }: SourceFile) => /\.(spec|int-spec|e2e-spec)\.ts$/.test(path)
const production = sourceFiles('libs', 'apps').filter((file) => !isTest(file))

/** `libs/features/tokens/http/x.ts` lives in the room `libs/features/tokens`. */
const roomOf = (path: string) => path.split('/').slice(0, 3).join('/')
const tierOf = (path: string) => path.split('/').slice(0, 2).join('/')

interface Rule {
  /** The sentence to read when it fails. */
  sentence: string
  forbids: (from: string, imported: string) => boolean
}

const RULES: Rule[] = [
  {
    sentence: 'A feature imports domain, platform and itself; another feature only if it is graphql.',
    forbids: (from, imported) =>
      tierOf(from) === 'libs/features' &&
      imported.startsWith('libs/features/') &&
      roomOf(from) !== roomOf(imported) &&
      roomOf(from) !== 'libs/features/graphql',
  },
  {
    sentence:
      'A domain library imports platform and itself: no feature, and other domain libraries only by id; all may write the audit and announce events.',
    forbids: (from, imported) =>
      tierOf(from) === 'libs/domain' &&
      (tierOf(imported) === 'libs/features' ||
        (tierOf(imported) === 'libs/domain' &&
          roomOf(from) !== roomOf(imported) &&
          !['libs/domain/audit', 'libs/domain/events'].includes(roomOf(imported)))),
  },
  {
    sentence: 'Platform has never heard of the broker: it imports neither domain nor features.',
    forbids: (from, imported) =>
      tierOf(from) === 'libs/platform' && ['libs/domain', 'libs/features'].includes(tierOf(imported)),
  },
  {
    sentence: 'Apps are wiring: they import feature modules and platform, never domain classes.',
    forbids: (from, imported) =>
      from.startsWith('apps/') &&
      (tierOf(imported) === 'libs/domain' ||
        (tierOf(imported) === 'libs/features' && !/\.(module|commands)\.js$/.test(imported))),
  },
  {
    sentence: 'Nothing in libs imports apps: the sandbox is for tests and for the demo.',
    forbids: (from, imported) => from.startsWith('libs/') && imported.startsWith('apps/'),
  },
  {
    sentence:
      "Google's and Microsoft's libraries are known to domain/providers alone (and drive the sandbox in its tests).",
    forbids: (from, imported) =>
      /^(googleapis|@googleapis\/.*|google-auth-library|gaxios|@azure\/msal-node)/.test(imported) &&
      !from.startsWith('libs/domain/providers/') &&
      !from.startsWith('apps/sandbox/'),
  },
  {
    sentence: 'BullMQ is known to platform/queues, *.jobs.ts and *.processor.ts; a step rings the doorbell.',
    forbids: (from, imported) =>
      /^(bullmq|@nestjs\/bullmq)$/.test(imported) &&
      !from.startsWith('libs/platform/queues/') &&
      !/\.(jobs|processor)\.ts$/.test(from),
  },
  {
    sentence:
      'lru-cache is known to platform/caches alone: as it comes it takes the memory for all that it may ever hold.',
    forbids: (from, imported) => imported === 'lru-cache' && !from.startsWith('libs/platform/caches/'),
  },
]

describe('imports', () => {
  it.each(RULES)('$sentence', ({ forbids }) => {
    const broken = production.flatMap(({ path, imports }) =>
      imports.filter((imported) => forbids(path, imported)).map((imported) => `${path} imports ${imported}`),
    )
    expect(broken).toEqual([])
  })

  it('Only platform/config reads process.env; everything else is given its settings.', () => {
    const readers = production.filter(({ path, text }) => /\bprocess\.env\b/.test(text) && !mayReadEnvironment(path))
    expect(readers.map(({ path }) => path)).toEqual([])
  })

  it('Steps and domain throw our own errors; the HttpException family belongs to the HTTP edge.', () => {
    const throwers = production.filter(
      ({ path, text }) =>
        /\b\w*HttpException\b|\b(NotFound|BadRequest|Forbidden|Unauthorized)Exception\b/.test(text) &&
        !path.includes('/http/'),
    )
    expect(throwers.map(({ path }) => path)).toEqual([])
  })

  it('Only platform/egress and domain/providers open connections to other hosts: everything else calls through them.', () => {
    const callers = production.filter(
      ({ path, text, imports }) =>
        path.startsWith('libs/') &&
        !/^libs\/(platform\/(egress|testing)|domain\/providers)\//.test(path) &&
        (/(?<![.\w])fetch\(|\bXMLHttpRequest\b|\bnew WebSocket\(/.test(text) ||
          imports.some((name) => /^(undici|axios|got|node-fetch|(node:)?(https|http2|tls|dgram))$/.test(name))),
    )
    expect(callers.map(({ path }) => path)).toEqual([])
  })

  it('What runs in production needs no package that is there for development alone: an image has none of them.', () => {
    const packageOf = (name: string) => name.split('/', name.startsWith('@') ? 2 : 1).join('/')
    const isThere = (name: string) => isBuiltin(name) || packageOf(name) in manifest.dependencies
    const missing = production
      .filter(({ path }) => !/^apps\/(demo|sandbox)\/|\/testing\/|-(for-tests|bench)\.ts$/.test(path))
      .flatMap(({ path, imports }) =>
        imports
          .filter((name) => !/^(apps|libs)\//.test(name) && !isThere(name))
          .map((name) => `${path} imports ${name}`),
      )
    expect(missing).toEqual([])
  })

  it('Platform libraries do not import one another in circles.', () => {
    expect(circlesAmong(production.filter(({ path }) => tierOf(path) === 'libs/platform'))).toEqual([])
  })
})

/** Two other doors: jest has no channel to its workers but the environment, and whoever starts a process hands on its PATH. */
const mayReadEnvironment = (path: string) =>
  path.startsWith('libs/platform/config/') ||
  path.startsWith('libs/platform/testing/') ||
  path === 'apps/demo/node-process.ts'

/** Circles of files, not of folders: two libraries may use each other's leaves. */
function circlesAmong(files: SourceFile[]): string[] {
  const importsOf = new Map(
    files.map(({ path, imports }) => [path, imports.map((name) => name.replace(/\.js$/, '.ts'))]),
  )
  const done = new Set<string>()
  const circles: string[] = []
  const walk = (path: string, trail: string[]) => {
    if (trail.includes(path)) circles.push([...trail.slice(trail.indexOf(path)), path].join(' -> '))
    if (done.has(path) || trail.includes(path)) return
    for (const next of importsOf.get(path) ?? []) if (importsOf.has(next)) walk(next, [...trail, path])
    done.add(path)
  }
  for (const path of importsOf.keys()) walk(path, [])
  return circles
}
