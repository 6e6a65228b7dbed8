import { callbackOriginProblem, redirectUriProblem } from './client-urls.js'

describe('redirectUriProblem', () => {
  it.each([
    'https://app.acme.test/connected',
    'https://app.acme.test',
    'https://app.acme.test/',
    'https://app.acme.test:8443/a/b?tenant=1&x=%20',
    'https://xn--mnchen-3ya.example/back',
    'http://localhost:3000/connected',
    'http://127.0.0.1/connected',
    'http://[::1]:9000/connected',
  ])('accepts %s', (uri) => {
    expect(redirectUriProblem(uri)).toBeNull()
  })

  it.each([
    ['app.acme.test/connected', 'errors.invalid_url'],
    ['/connected', 'errors.invalid_url'],
    ['', 'errors.invalid_url'],
    ['https://*.acme.test/connected', 'errors.wildcard'],
    ['https://app.acme.test/*', 'errors.wildcard'],
    ['https://app.acme.test/connected#here', 'errors.fragment'],
    ['https://app.acme.test/connected#', 'errors.fragment'],
    ['https://user:word@app.acme.test/', 'errors.credentials'],
    ['https://user@app.acme.test/', 'errors.credentials'],
    ['http://app.acme.test/connected', 'errors.scheme'],
    ['http://127.0.0.1.acme.test/connected', 'errors.scheme'],
    ['http://localhost.acme.test/connected', 'errors.scheme'],
    ['javascript:alert(1)', 'errors.scheme'],
    ['data:text/html,x', 'errors.scheme'],
    ['com.acme.app:/connected', 'errors.scheme'],
    ['HTTPS://app.acme.test/connected', 'errors.not_canonical'],
    ['https://App.Acme.test/connected', 'errors.not_canonical'],
    ['https://app.acme.test:443/connected', 'errors.not_canonical'],
    ['https://app.acme.test/a/../connected', 'errors.not_canonical'],
    ['https://app.acme.test/%2e%2e/connected', 'errors.not_canonical'],
    ['https://app.acme.test\\@evil.test/', 'errors.not_canonical'],
    ['https://münchen.example/back', 'errors.not_canonical'],
    [' https://app.acme.test/connected', 'errors.not_canonical'],
    ['https://app.acme.test/con\nnected', 'errors.not_canonical'],
    ['https://2130706433/connected', 'errors.not_canonical'],
  ])('refuses %j with %s', (uri, key) => {
    expect(redirectUriProblem(uri)?.key).toBe(key)
  })

  it('tells the canonical spelling', () => {
    expect(redirectUriProblem('https://App.acme.test:443/a/../b')?.description).toContain('https://app.acme.test/b')
  })
})

describe('callbackOriginProblem', () => {
  it.each(['https://app.acme.test', 'https://app.acme.test:8443', 'http://127.0.0.1:9083', 'http://app.acme.test'])(
    'accepts %s',
    (origin) => {
      expect(callbackOriginProblem(origin)).toBeNull()
    },
  )

  it.each([
    ['app.acme.test', 'errors.invalid_url'],
    ['*', 'errors.invalid_url'],
    ['data:text/plain,x', 'errors.invalid_url'],
    ['javascript:alert(1)', 'errors.invalid_url'],
    ['ftp://app.acme.test', 'errors.scheme'],
    ['https://app.acme.test/', 'errors.not_an_origin'],
    ['https://app.acme.test/callback', 'errors.not_an_origin'],
    ['https://app.acme.test?x', 'errors.not_an_origin'],
    ['https://app.acme.test:443', 'errors.not_an_origin'],
    ['https://user:word@app.acme.test', 'errors.not_an_origin'],
    ['https://APP.acme.test', 'errors.not_an_origin'],
    ['https://app.acme.test,https://evil.test', 'errors.not_an_origin'],
    ['https://*.acme.test', 'errors.wildcard'],
  ])('refuses %j with %s', (origin, key) => {
    expect(callbackOriginProblem(origin)?.key).toBe(key)
  })
})
