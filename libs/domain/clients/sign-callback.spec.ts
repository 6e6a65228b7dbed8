import { Webhook, WebhookVerificationError } from 'standardwebhooks'
import { SystemClock } from '#platform/clock/clock.js'
import { Secret } from '#platform/secrets/secret.js'
import { HeldClock } from '#platform/testing/held-clock.js'
import { sealerForTests } from '#platform/testing/sealer-for-tests.js'
import { SignCallback, signingKeyOf } from './sign-callback.js'

const sealer = sealerForTests()
const signingSecret = new Secret(`whsec_${Buffer.alloc(32, 9).toString('base64')}`)
const message = { id: 'dar_0123456789abcdef01234567', body: '{"authorization":{"code":"abc","state":"ä"}}' }

const headersFor = (hmacSecrets: string[], body: string, clock = new HeldClock()) =>
  new SignCallback(clock, sealer).headersFor(
    { hmacSecrets: hmacSecrets.map((secret) => new Secret(secret)), signingKey: signingKeyOf(signingSecret) },
    { ...message, body },
  )

describe('Cronofy-HMAC-SHA256', () => {
  const body = '{"example":"well-known"}'

  // The vendor's published vectors (documentation and SDK tests).
  it.each([
    ['pDY0Oi7TJSP2hfNmZNkm5', '6r2/HjBkqymGegX0wOfifieeUXbbHwtV/LohHS+jv6c='],
    ['CRN_NggYusqPGLxwjw5FHOJYOqSrTPNXy8WQf14OID', '5DxentQi5YSXODEzTVv06sRwJ3pULIz1KrYv20qxEK0='],
    ['CRN_nGlYDFXwfSXgB9rvGNBJyfE454GGPtWIbNuPwr', 'BmQmWVuZ70ILWjr1CAt5oC7YOolgnku4WZtlrKfx/6k='],
  ])('is the HMAC of the body under the client secret %s', (secret, value) => {
    expect(headersFor([secret], body)['cronofy-hmac-sha256']).toBe(value)
  })

  it('holds one value for each live secret, joined by a comma alone', () => {
    const [newer, older] = ['pDY0Oi7TJSP2hfNmZNkm5', 'CRN_NggYusqPGLxwjw5FHOJYOqSrTPNXy8WQf14OID']

    expect(headersFor([newer, older], body)['cronofy-hmac-sha256']).toBe(
      '6r2/HjBkqymGegX0wOfifieeUXbbHwtV/LohHS+jv6c=,5DxentQi5YSXODEzTVv06sRwJ3pULIz1KrYv20qxEK0=',
    )
  })
})

describe('webhook-signature', () => {
  const verifier = new Webhook(signingSecret.reveal())
  const headers = headersFor(['secret'], message.body, new HeldClock(new SystemClock().now()))

  it('is accepted by a Standard Webhooks verifier', () => {
    expect(verifier.verify(message.body, headers)).toEqual(JSON.parse(message.body))
    expect(headers['webhook-id']).toBe(message.id)
  })

  it.each([
    ['another body', message.body.replace('abc', 'abd'), {}],
    ['another id', message.body, { 'webhook-id': 'dar_other' }],
    ['another time', message.body, { 'webhook-timestamp': String(Number(headers['webhook-timestamp']) + 1) }],
  ])('does not verify with %s', (_, body, changed) => {
    expect(() => verifier.verify(body, { ...headers, ...changed })).toThrow(WebhookVerificationError)
  })

  it('is not made with the client secret', () => {
    const other = new Webhook(`whsec_${Buffer.from('secret').toString('base64')}`)

    expect(() => other.verify(message.body, headers)).toThrow(WebhookVerificationError)
  })
})
