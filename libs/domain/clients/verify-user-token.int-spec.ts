import { exportSPKI, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'
import { hours, seconds } from '#platform/clock/clock.js'
import { newPair, ORIGIN, userTokensForTests } from './testing/user-tokens-for-tests.js'

/** Of every test. */
const [rs256, es256] = [await newPair('RS256', 'rsa-1'), await newPair('ES256', 'ec-1')]

describe('a user token', () => {
  const on = userTokensForTests()
  const {
    db,
    clock,
    clients,
    keys,
    register,
    rotate,
    withSecret,
    withKeys,
    publishing,
    now,
    claimsFor,
    byteKey,
    jwksUri,
    hs256,
    signed,
    refusal,
    invalid,
  } = on

  it('says whose user it is, by the client’s secret', async () => {
    const { clientId, secret } = await withSecret()
    expect(await on.verifier.verify(await hs256(secret, claimsFor(clientId)))).toEqual({ clientId, userId: 'user-7' })
  })

  it.each(['RS256', 'PS256', 'ES256'])('says whose user it is, by a key of the client’s: %s', async (alg) => {
    const pair = alg === 'ES256' ? es256 : await newPair(alg, 'k')
    const clientId = await withKeys(pair)
    expect(await on.verifier.verify(await signed(pair, claimsFor(clientId)))).toEqual({ clientId, userId: 'user-7' })
    const published = await publishing(pair)
    expect(await on.verifier.verify(await signed(pair, claimsFor(published)))).toEqual({
      clientId: published,
      userId: 'user-7',
    })
  })

  it('takes the audience as the origin, with or without its slash, alone or among others', async () => {
    const { clientId, secret } = await withSecret()
    for (const aud of [ORIGIN, `${ORIGIN}/`, ['https://elsewhere.test', ORIGIN]])
      expect(await on.verifier.verify(await hs256(secret, claimsFor(clientId, { aud })))).toMatchObject({ clientId })
  })

  it.each<[what: string, more: () => JWTPayload, sentence: RegExp]>([
    ['for another audience', () => ({ aud: 'https://elsewhere.test' }), /"aud".*must be https:\/\/mandate\.test/],
    ['for nobody', () => ({ aud: undefined }), /"aud"/],
    ['without a user', () => ({ sub: undefined }), /"sub"/],
    ['with an empty user', () => ({ sub: '' }), /"sub"/],
    ['with a user that is no text', () => ({ sub: 7 as unknown as string }), /"sub"/],
    ['with a user that PostgreSQL cannot hold', () => ({ sub: 'a\0b' }), /"sub"/],
    ['with a user that a terminal would obey', () => ({ sub: 'a\u001b[2J' }), /"sub".*control characters/],
    ['with half a character', () => ({ sub: 'a\ud800' }), /"sub"/],
    ['with a user that is a novel', () => ({ sub: 'x'.repeat(256) }), /"sub"/],
    ['that has expired', () => ({ iat: now() - 600, exp: now() - 61 }), /expired/],
    ['that lives longer than an hour', () => ({ exp: now() + 3_601 }), /one hour/],
    ['that never ends', () => ({ exp: undefined }), /exp/],
    ['that does not say when it was made', () => ({ iat: undefined }), /iat/],
    ['that was made in the future', () => ({ iat: now() + 61, exp: now() + 300 }), /future/],
    ['that is not good yet', () => ({ nbf: now() + 61 }), /nbf/],
    ['with times that are text', () => ({ iat: 'now' as unknown as number }), /seconds since 1970/],
    ['of another issuer', () => ({ iss: 'https://accounts.example.com' }), /"iss"/],
    ['of nobody', () => ({ iss: undefined }), /"iss"/],
  ])('%s is refused with the reason', async (_what, more, sentence) => {
    const { clientId, secret } = await withSecret()
    expect(await refusal(hs256(secret, claimsFor(clientId, more())))).toEqual(invalid(sentence))
  })

  it('may be off by a minute, because clocks differ', async () => {
    const { clientId, secret } = await withSecret()
    for (const more of [{ iat: now() + 59 }, { iat: now() - 300, exp: now() - 59 }, { nbf: now() + 59 }])
      expect(await on.verifier.verify(await hs256(secret, claimsFor(clientId, more)))).toMatchObject({ clientId })
  })

  it.each(['', 'x', 'a.b', 'a.b.c', 'e30.e30.e30', `${'x'.repeat(4000)}.y.z`, 'bnVsbA.bnVsbA.x'])(
    'is not %j',
    async (text) => {
      expect(await refusal(text)).toEqual(invalid(/JWT|signed/))
    },
  )

  describe('cannot be made by somebody else:', () => {
    it('without a signature', async () => {
      const { clientId, secret } = await withSecret()
      expect(await refusal(new UnsecuredJWT(claimsFor(clientId)).encode())).toEqual(invalid(/must be signed/))
      const [head, body] = (await hs256(secret, claimsFor(clientId))).split('.')
      expect(await refusal(`${head}.${body}.`)).toEqual(invalid(/signature|JWT/))
    })

    it('with another secret, or another client’s', async () => {
      const { clientId } = await withSecret()
      const other = await withSecret()
      expect(await refusal(hs256('guessed-guessed-guessed-guessed-', claimsFor(clientId)))).toEqual(
        invalid(/signature/),
      )
      expect(await refusal(hs256(other.secret, claimsFor(clientId)))).toEqual(invalid(/signature/))
    })

    it('with another key under the right name', async () => {
      const clientId = await withKeys(rs256)
      const impostor = await newPair('RS256', rs256.kid)
      expect(await refusal(signed(impostor, claimsFor(clientId)))).toEqual(invalid(/signature/))
    })

    it('with the public key as if it were a secret, in any spelling', async () => {
      const clientId = await withKeys(rs256)
      await rotate(clientId)
      const { publicJwk } = rs256
      const spki = await exportSPKI(
        (await crypto.subtle.importKey(
          'jwk',
          publicJwk as JsonWebKey,
          { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
          true,
          ['verify'],
        )) as never,
      )
      for (const guess of [spki, JSON.stringify(publicJwk), publicJwk.n!])
        expect(await refusal(hs256(guess, claimsFor(clientId)))).toEqual(invalid(/signature/))
    })

    it('with a key that it brings along', async () => {
      const clientId = await withKeys(rs256)
      const impostor = await newPair('RS256', 'mine')
      for (const header of [
        { jwk: impostor.publicJwk },
        { jku: jwksUri() },
        { kid: rs256.kid, jwk: impostor.publicJwk },
      ])
        expect(await refusal(signed(impostor, claimsFor(clientId), header))).toEqual(invalid(/kid|signature/))
      expect(on.asked).toEqual([])
    })

    it('with an algorithm that the key is not for', async () => {
      const clientId = await withKeys(rs256, es256)
      const claims = claimsFor(clientId)
      const asRsa = new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: rs256.kid }).sign(es256.privateKey)
      expect(await refusal(asRsa)).toEqual(invalid(/kid/))
      const ps256Only = await newPair('PS256', 'ps')
      const fixed = await withKeys({ ...ps256Only, publicJwk: { ...ps256Only.publicJwk, alg: 'RS256' } })
      expect(await refusal(signed(ps256Only, claimsFor(fixed)))).toEqual(invalid(/kid and its alg/))
    })

    it('for a header that has to be understood and is not', async () => {
      const { clientId, secret } = await withSecret()
      const header = { alg: 'HS256', crit: ['x'], x: 1 }
      const token = new SignJWT(claimsFor(clientId))
        .setProtectedHeader(header)
        .sign(byteKey(secret), { crit: { x: true } })
      expect(await refusal(token)).toEqual(invalid(/JWT/))
    })

    it('for a client that has no secret, no keys, or is not there', async () => {
      const clientId = await register()
      expect(await refusal(hs256('x'.repeat(32), claimsFor(clientId)))).toEqual(invalid(/no user-token secret/))
      expect(await refusal(signed(rs256, claimsFor(clientId)))).toEqual(invalid(/no JWKS/))
      expect(await refusal(signed(rs256, claimsFor('cli_nobody')))).toEqual(invalid(/"iss"/))
    })
  })

  it('is refused once its client is disabled, and the next one too', async () => {
    const { clientId, secret } = await withSecret()
    const token = await hs256(secret, claimsFor(clientId))
    await on.verifier.verify(token)
    await db.database.inTransaction((tx) => clients.disable(tx, clientId))
    expect(await refusal(token)).toEqual(invalid(/active/))
  })

  describe('by a secret', () => {
    it('of two live ones: the older one ends after a day, to the second', async () => {
      const { clientId, secret: older } = await withSecret()
      const newer = await rotate(clientId)
      clock.advance(hours(24) - seconds(1))
      for (const secret of [older, newer])
        expect(await on.verifier.verify(await hs256(secret, claimsFor(clientId)))).toMatchObject({ clientId })
      clock.advance(seconds(1))
      expect(await refusal(hs256(older, claimsFor(clientId)))).toEqual(invalid(/signature/))
      expect(await on.verifier.verify(await hs256(newer, claimsFor(clientId)))).toMatchObject({ clientId })
    })

    it('is refused the moment after all were ended', async () => {
      const { clientId, secret } = await withSecret()
      const newer = await rotate(clientId)
      expect(await db.database.inTransaction((tx) => keys.endSecrets(tx, clientId))).toBe(2)
      for (const ended of [secret, newer])
        expect(await refusal(hs256(ended, claimsFor(clientId)))).toEqual(invalid(/no user-token secret/))
      expect(await db.database.inTransaction((tx) => keys.endSecrets(tx, clientId))).toBe(0)
      expect(await on.verifier.verify(await hs256(await rotate(clientId), claimsFor(clientId)))).toMatchObject({
        clientId,
      })
    })

    it('of which there are never three, and none in clear in the database', async () => {
      const { clientId, secret } = await withSecret()
      await rotate(clientId)
      await expect(rotate(clientId)).rejects.toMatchObject({ code: 'conflict', status: 409 })
      const rows = await db.database.read((em) =>
        em.execute('select * from user_token_secrets where client_id = ?', [clientId]),
      )
      expect(rows).toHaveLength(2)
      expect(JSON.stringify(rows)).not.toContain(secret)
    })
  })

  it('that could be by several keys is told to name its own; where there is one key, it need not', async () => {
    const [one, other] = [await newPair('RS256', 'a'), await newPair('RS256', 'b')]
    const clientId = await withKeys(one, other)
    expect(await refusal(signed(one, claimsFor(clientId), {}))).toEqual(invalid(/name one by its kid/))
    expect(await on.verifier.verify(await signed(rs256, claimsFor(await withKeys(rs256)), {}))).toMatchObject({
      userId: 'user-7',
    })
  })
})
