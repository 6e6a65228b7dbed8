import type { ServerResponse } from 'node:http'
import { EgressPolicy } from '#platform/egress/egress-policy.js'
import { COOLDOWN, FRESH_FOR, KEPT_FOR } from './published-key-sets.js'
import { newPair, userTokensForTests } from './testing/user-tokens-for-tests.js'

/** Of every test. */
const [rs256, es256] = [await newPair('RS256', 'rsa-1'), await newPair('ES256', 'ec-1')]

describe('a user token by keys that its client publishes', () => {
  const on = userTokensForTests()
  const { clock, logged, newProcess, register, setKeys, publishing, publishKeys, claimsFor, signed, refusal, invalid } =
    on

  it('costs one call to the client in ten minutes, however many come at once', async () => {
    const clientId = await publishing(rs256)
    const token = await signed(rs256, claimsFor(clientId))
    await Promise.all(Array.from({ length: 20 }, () => on.verifier.verify(token)))
    clock.advance(FRESH_FOR)
    await on.verifier.verify(await signed(rs256, claimsFor(clientId)))
    expect(on.asked).toHaveLength(1)
    expect(on.asked[0]).toMatchObject({
      method: 'GET',
      headers: { accept: expect.stringContaining('jwk-set') },
    })
    clock.advance(1)
    await on.verifier.verify(await signed(rs256, claimsFor(clientId)))
    expect(on.asked).toHaveLength(2)
  })

  it('is verified by a new key as soon as one names it, and no more by one that was withdrawn', async () => {
    const clientId = await publishing(rs256)
    await on.verifier.verify(await signed(rs256, claimsFor(clientId)))
    publishKeys(es256)
    clock.advance(COOLDOWN)
    expect(await on.verifier.verify(await signed(es256, claimsFor(clientId)))).toMatchObject({ clientId })
    expect(await refusal(signed(rs256, claimsFor(clientId)))).toEqual(invalid(/kid/))
  })

  it('makes one call in half a minute when it names keys that are not there', async () => {
    const clientId = await publishing(rs256)
    await on.verifier.verify(await signed(rs256, claimsFor(clientId)))
    clock.advance(COOLDOWN)
    for (let i = 0; i < 10; i++)
      expect(await refusal(signed({ ...rs256, kid: `made-up-${i}` }, claimsFor(clientId)))).toEqual(invalid(/kid/))
    expect(on.asked).toHaveLength(2)
  })

  it('is verified for an hour by what was fetched last while the client’s host is down, and then by nothing', async () => {
    const clientId = await publishing(rs256)
    await on.verifier.verify(await signed(rs256, claimsFor(clientId)))
    on.publish((_request, response) => response.writeHead(503).end('private words'))
    clock.advance(KEPT_FOR)
    expect(await on.verifier.verify(await signed(rs256, claimsFor(clientId)))).toMatchObject({ clientId })
    clock.advance(1)
    for (let i = 0; i < 5; i++)
      expect(await refusal(signed(rs256, claimsFor(clientId)))).toMatchObject({
        code: 'unavailable',
        status: 503,
        retryAfter: 30,
      })
    expect(on.asked).toHaveLength(2)
    expect(logged.join()).toContain('user_token.keys_not_fetched')
    expect(logged.join()).not.toContain('private words')
    publishKeys(rs256)
    clock.advance(COOLDOWN)
    expect(await on.verifier.verify(await signed(rs256, claimsFor(clientId)))).toMatchObject({ clientId })
  })

  it.each<[what: string, answer: (response: ServerResponse) => void]>([
    ['not JSON', (response) => response.end('<html>')],
    ['no key set', (response) => response.end('{"keys":"none"}')],
    ['a redirect', (response) => response.writeHead(302, { location: '/jwks.json' }).end()],
    ['endless', (response) => response.end(`{"keys":[${' '.repeat(70_000)}]}`)],
    ['cut off', (response) => response.writeHead(200, { 'content-length': '100' }).end('{"keys":[]}')],
  ])('is refused for the time being when what is published is %s', async (_what, answer) => {
    const clientId = await publishing(rs256)
    on.publish((_request, response) => answer(response))
    expect(await refusal(signed(rs256, claimsFor(clientId)))).toMatchObject({ status: 503 })
  })

  it('leads no call into the operator’s network', async () => {
    const clientId = await publishing(rs256)
    const closed = newProcess(new EgressPolicy())
    expect(await refusal(signed(rs256, claimsFor(clientId)), closed)).toMatchObject({ status: 503 })
    expect(on.asked).toEqual([])
    expect(logged.join()).toContain('127.0.0.1')
  })

  it('is verified by the keys that replaced them, at once', async () => {
    const clientId = await publishing(rs256)
    await on.verifier.verify(await signed(rs256, claimsFor(clientId)))
    await setKeys(clientId, { jwks: { keys: [es256.publicJwk] } })
    expect(await refusal(signed(rs256, claimsFor(clientId)))).toEqual(invalid(/kid/))
    expect(await on.verifier.verify(await signed(es256, claimsFor(clientId)))).toMatchObject({ clientId })
    await setKeys(clientId, null)
    expect(await refusal(signed(es256, claimsFor(clientId)))).toEqual(invalid(/no JWKS/))
  })

  it.each(['ftp://keys.test/', 'http://keys.test/', 'https://user:x@keys.test/', 'https://keys.test/#x', 'keys.test'])(
    'are not at %s',
    async (uri) => {
      await expect(setKeys(await register(), { jwksUri: uri })).rejects.toMatchObject({ code: 'validation_failed' })
    },
  )
})
