import { headersToCaller, headersToProvider } from './passed-headers.js'

describe('headers of a proxied read', () => {
  it('go to the provider only where they are known', () => {
    expect(
      headersToProvider({
        authorization: 'Bearer of-the-client',
        cookie: 'a=b',
        host: 'broker.test',
        accept: 'text/html',
        'x-forwarded-for': '10.0.0.1',
        'x-goog-user-project': 'somebody-else',
        'x-http-method-override': 'DELETE',
        'accept-language': 'de',
        'if-none-match': '"abc"',
        'if-match': '"def"',
        'content-type': 'application/json; charset=utf-8',
        'transfer-encoding': 'chunked',
      }),
    ).toEqual({
      accept: 'application/json',
      'accept-encoding': 'identity',
      'accept-language': 'de',
      'if-none-match': '"abc"',
      'if-match': '"def"',
    })
  })

  it('say of a body that it is JSON, and nothing of its way to us', () => {
    const sent = headersToProvider({ 'content-type': 'application/json; x=y', 'content-length': '7' }, true)
    expect(sent).toEqual({
      accept: 'application/json',
      'accept-encoding': 'identity',
      'content-type': 'application/json',
    })
  })

  it('keep the known ones of several preferences', () => {
    const prefer =
      'outlook.timezone="W. Europe Standard Time", respond-async, odata.maxpagesize=5, IdType="ImmutableId", exchange.behavior="OpenAccess"'
    expect(headersToProvider({ prefer }).prefer).toBe(
      'outlook.timezone="W. Europe Standard Time", odata.maxpagesize=5, IdType="ImmutableId"',
    )
    expect(headersToProvider({ prefer: 'outlook.timezone="a"; x=y' })).not.toHaveProperty('prefer')
  })

  it('come back only where they are known', () => {
    expect(
      headersToCaller({
        'content-type': 'application/json',
        etag: '"1"',
        'retry-after': '7',
        'set-cookie': 'NID=1',
        'www-authenticate': 'Bearer realm="https://accounts.google.com/"',
        'cache-control': 'public, max-age=600',
        'access-control-allow-origin': '*',
        location: 'https://elsewhere.test',
      }),
    ).toEqual({ 'content-type': 'application/json', etag: '"1"', 'retry-after': '7' })
  })
})
