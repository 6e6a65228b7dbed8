import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { close, open } from 'node:inspector'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigurationError, forgetSecrets, loadSettings, type RunMode } from './settings.js'

const settings = (environment: NodeJS.ProcessEnv) => loadSettings('standalone', environment)
const problemsOf = (environment: NodeJS.ProcessEnv) => {
  try {
    settings(environment)
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems.join('\n')
    throw error
  }
  return ''
}

describe('OTEL_…', () => {
  it('say where traces go, and without an endpoint there are none', () => {
    expect(settings({}).tracing).toMatchObject({ endpoint: null, headers: null, serviceName: 'mandate', ratio: 1 })
    const given = { OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Basic abc=, x-scope=7', OTEL_TRACES_SAMPLER_ARG: '0.25' }
    const { headers, ratio } = settings(given).tracing
    expect(headers!.reveal()).toEqual({ authorization: 'Basic abc=', 'x-scope': '7' })
    expect(ratio).toBe(0.25)
  })

  it.each([
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'token'],
    ['OTEL_TRACES_SAMPLER_ARG', '2'],
  ])('%s=%s is refused', (name, value) => {
    expect(problemsOf({ [name]: value })).toContain(`${name} must be`)
  })
})

describe('MANDATE_PUBLIC_URL', () => {
  it.each([
    'https://mandate.example.com',
    'https://mandate.example.com/',
    'http://127.0.0.1:9000',
    'https://[::1]:8443',
  ])('may be %s', (url) => {
    expect(settings({ MANDATE_PUBLIC_URL: url }).http.publicUrl.origin).toBe(url.replace(/\/$/, ''))
  })

  it.each([
    'https://example.com/mandate',
    'https://example.com/?x=1',
    'https://example.com/#x',
    'https://operator:secret@example.com',
    'ftp://example.com',
    'example.com',
  ])('may not be %s, and the refusal does not repeat it', (url) => {
    expect(problemsOf({ MANDATE_PUBLIC_URL: url })).toMatch(/^MANDATE_PUBLIC_URL must be an? (origin|http)/)
    expect(problemsOf({ MANDATE_PUBLIC_URL: url })).not.toContain(url)
  })
})

describe('MANDATE_ADMIN_KEY', () => {
  const [one, other] = ['1'.repeat(32), '2'.repeat(40)]

  it('is none, one, or several', () => {
    const keysOf = (MANDATE_ADMIN_KEY: string) => settings({ MANDATE_ADMIN_KEY }).adminKeys.map((key) => key.reveal())
    expect(keysOf('')).toEqual([])
    expect(keysOf(one)).toEqual([one])
    expect(keysOf(`${one}, ${other}`)).toEqual([one, other])
  })

  it.each(['short', `${one},short`, `${one},`, `${one} ${other}`, `${one}é`])('may not be "%s"', (keys) => {
    expect(problemsOf({ MANDATE_ADMIN_KEY: keys })).toMatch(/^MANDATE_ADMIN_KEY must have at least 32 characters/)
  })
})

describe('MANDATE_TRUSTED_PROXIES', () => {
  it('is nobody unless somebody is named', () => {
    expect(settings({}).http.trustedProxies).toEqual([])
    const MANDATE_TRUSTED_PROXIES = '10.0.0.0/8, 192.0.2.7,2001:db8::/32, ::1'
    expect(settings({ MANDATE_TRUSTED_PROXIES }).http.trustedProxies).toHaveLength(4)
  })

  it.each(['1', '10.0.0.0/33', '10.0.0/8', 'loopback', 'proxy.internal', '10.0.0.1,,10.0.0.2', '::1/129', '*'])(
    'may not be %s',
    (cidrs) => {
      expect(problemsOf({ MANDATE_TRUSTED_PROXIES: cidrs })).toMatch(/^MANDATE_TRUSTED_PROXIES must be IP addresses/)
    },
  )
})

const KEYS = `k1:${Buffer.alloc(32, 1).toString('base64')}`
const SERVICE = {
  DATABASE_URL: 'postgres://user:word@host/db',
  MANDATE_ENCRYPTION_KEYS: KEYS,
  MANDATE_ADMIN_KEY: 'a'.repeat(32),
}

function allProblems(mode: RunMode, environment: Record<string, string>): readonly string[] {
  try {
    loadSettings(mode, environment)
    return []
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems
    throw error
  }
}

describe('the environment', () => {
  it('holds no secret any more once it has been read: children inherit it', () => {
    const environment: NodeJS.ProcessEnv = { ...SERVICE, REDIS_URL: 'redis://:word@host', PORT: '8080', PATH: '/bin' }
    loadSettings('service', environment)
    forgetSecrets(environment)

    expect(environment).toEqual({ PORT: '8080', PATH: '/bin' })
  })

  it('is refused in production with a debugger in it', () => {
    open(0, '127.0.0.1')
    try {
      const problem = expect.stringMatching(/^NODE_OPTIONS .* opens a debugger/)
      expect(allProblems('service', { ...SERVICE, NODE_ENV: 'production' })).toContainEqual(problem)
      expect(allProblems('service', SERVICE)).toEqual([])
    } finally {
      close()
    }
    expect(allProblems('service', { ...SERVICE, NODE_ENV: 'production' })).toEqual([])
  })
})

describe('the configuration', () => {
  const directory = mkdtempSync(join(tmpdir(), 'mandate-settings-'))
  afterAll(() => rmSync(directory, { recursive: true }))

  it('has all its problems told at once, those of lists too', () => {
    const problems = allProblems('service', {
      DATABASE_URL: 'mysql://user:word@host/db',
      MANDATE_ENCRYPTION_KEYS: 'k1:AAAA,k2',
      MANDATE_EGRESS_ALLOW: '10.0.0.0/99, http://x',
      PORT: 'many',
    })

    expect(problems.map((problem) => problem.split(' ')[0])).toEqual([
      'PORT',
      'DATABASE_URL',
      'MANDATE_ENCRYPTION_KEYS',
      'MANDATE_ENCRYPTION_KEYS',
      'MANDATE_EGRESS_ALLOW',
      'MANDATE_EGRESS_ALLOW',
      'MANDATE_ADMIN_KEY',
    ])
    expect(problems.join()).not.toMatch(/word|AAAA/)
  })

  it('names every variable that a service cannot do without', () => {
    expect(allProblems('service', {})).toEqual([
      expect.stringMatching(/^DATABASE_URL is required/),
      expect.stringMatching(/^MANDATE_ENCRYPTION_KEYS \(or MANDATE_ENCRYPTION_KEYS_FILE\) is required/),
      expect.stringMatching(/^MANDATE_ADMIN_KEY is required/),
    ])
    expect(allProblems('standalone', {})).toEqual([])
  })

  it('takes the encryption keys from a file just as well', () => {
    const file = join(directory, 'keys')
    writeFileSync(file, `${KEYS}\n`)
    const { MANDATE_ENCRYPTION_KEYS, ...others } = SERVICE
    const { sealing } = loadSettings('service', { ...others, MANDATE_ENCRYPTION_KEYS_FILE: file })

    expect(sealing.masterKeys).toEqual(loadSettings('service', SERVICE).sealing.masterKeys)
    expect(sealing.masterKeysFrom).toBe('MANDATE_ENCRYPTION_KEYS_FILE')
  })

  it('refuses a file that cannot be read, one that holds no key, and both at once', () => {
    const empty = join(directory, 'empty')
    writeFileSync(empty, '\n')

    expect(allProblems('standalone', { MANDATE_ENCRYPTION_KEYS_FILE: join(directory, 'none') })).toEqual([
      'MANDATE_ENCRYPTION_KEYS_FILE names a file that cannot be read (ENOENT)',
    ])
    expect(allProblems('standalone', { MANDATE_ENCRYPTION_KEYS_FILE: empty })).toEqual([
      expect.stringContaining('MANDATE_ENCRYPTION_KEYS_FILE key 1 must have the form'),
    ])
    expect(allProblems('service', { ...SERVICE, MANDATE_ENCRYPTION_KEYS_FILE: empty })).toContain(
      'MANDATE_ENCRYPTION_KEYS and MANDATE_ENCRYPTION_KEYS_FILE are both set: keep one of them',
    )
  })
})
