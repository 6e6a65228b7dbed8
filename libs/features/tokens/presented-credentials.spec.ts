import { type PresentedCredentials, readCredentials } from './presented-credentials.js'

const basic = (text: string | Buffer) => `Basic ${Buffer.from(text).toString('base64')}`
const codeOf = (presented: PresentedCredentials) => {
  try {
    readCredentials(presented)
    return 'accepted'
  } catch (error) {
    return (error as { code: string }).code
  }
}

describe('client authentication', () => {
  it.each<[string, PresentedCredentials]>([
    ['in the body', { clientId: 'cli_1', clientSecret: 's' }],
    ['in a Basic header', { authorization: basic('cli_1:s') }],
    ['in a header in other letters', { authorization: basic('cli_1:s').replace('Basic', 'bASIC') }],
    ['in a Basic header, with the id in the body too', { authorization: basic('cli_1:s'), clientId: 'cli_1' }],
    [
      'in the body, beside “Bearer undefined”',
      { clientId: 'cli_1', clientSecret: 's', authorization: 'Bearer undefined' },
    ],
    ['in the body, beside “Bearer None”', { clientId: 'cli_1', clientSecret: 's', authorization: 'Bearer None' }],
    ['in the body, beside an empty header', { clientId: 'cli_1', clientSecret: 's', authorization: '' }],
  ])('is read %s', (_where, presented) => {
    expect(readCredentials(presented)).toEqual({ id: 'cli_1', secret: 's' })
  })

  // RFC 6749 section 2.3.1: both halves are form-encoded before they are joined.
  it.each([
    ['a%3Ab', 'a:b'],
    ['100%25', '100%'],
    ['a%2Bb', 'a+b'],
    ['a+b', 'a b'],
    ['caf%C3%A9', 'café'],
    ['café', 'café'],
    ['a:b', 'a:b'],
    ['line%0Abreak', 'line\nbreak'],
  ])('reads the secret %s of a Basic header as %j', (encoded, secret) => {
    expect(readCredentials({ authorization: basic(`cli%5F1:${encoded}`) })).toEqual({ id: 'cli_1', secret })
  })

  it.each<[string, PresentedCredentials, string]>([
    ['nothing', {}, 'invalid_client'],
    ['an id alone', { clientId: 'cli_1' }, 'invalid_client'],
    ['a secret alone', { clientSecret: 's' }, 'invalid_client'],
    ['Basic without a value', { authorization: 'Basic' }, 'invalid_client'],
    ['Basic with an empty id', { authorization: basic(':s') }, 'invalid_client'],
    ['Basic with an empty secret', { authorization: basic('cli_1:') }, 'invalid_client'],
    ['Basic without a colon', { authorization: basic('cli_1') }, 'invalid_client'],
    ['Basic with broken percent signs', { authorization: basic('cli_1:%zz') }, 'invalid_client'],
    ['Basic with NUL in the id', { authorization: basic('cli_\0:s') }, 'invalid_client'],
    [
      'Basic with bytes that are no text',
      { authorization: basic(Buffer.from([0x25, 0xff, 0x3a, 0xfe])) },
      'invalid_client',
    ],
    ['a bearer token alone', { authorization: 'Bearer abc' }, 'invalid_client'],
    ['an assertion', { clientId: 'cli_1', clientAssertion: 'a.b.c' }, 'invalid_client'],
    [
      'Basic and a secret',
      { authorization: basic('cli_1:s'), clientId: 'cli_1', clientSecret: 's' },
      'invalid_request',
    ],
    [
      'an empty Basic and a secret',
      { authorization: 'Basic', clientId: 'cli_1', clientSecret: 's' },
      'invalid_request',
    ],
    ['Basic and an assertion', { authorization: basic('cli_1:s'), clientAssertion: 'a.b.c' }, 'invalid_request'],
    [
      'a secret and an assertion',
      { clientId: 'cli_1', clientSecret: 's', clientAssertion: 'a.b.c' },
      'invalid_request',
    ],
    ['Basic and another id', { authorization: basic('cli_1:s'), clientId: 'cli_2' }, 'invalid_request'],
  ])('refuses %s', (_what, presented, code) => {
    expect(codeOf(presented)).toBe(code)
  })
})
