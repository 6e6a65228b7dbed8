import { ConfigurationError, loadSettings } from './settings.js'

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
