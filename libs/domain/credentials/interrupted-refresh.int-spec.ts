import { Log } from '#platform/observability/log.js'
import { CryptoRandom } from '#platform/secrets/random.js'
import { Secret } from '#platform/secrets/secret.js'
import { ENDED, hasEnded, userCredentialsForTests } from './testing/user-credentials-for-tests.js'
import { UserCredentials } from './user-credentials.js'

describe('user credentials, when a process stops in the middle of a refresh', () => {
  const { db, sealer, clock, operator, sql, open, rowOf, keep, held, acts } = userCredentialsForTests()
  let credentials: UserCredentials
  beforeAll(() => {
    credentials = open()
  })

  /** Uses the token and is never heard of again, as far as the others know. */
  const stall = async (timeoutMs: number) => {
    const answer = Promise.withResolvers<{ refreshToken: Secret<string> | null }>()
    const begun = Promise.withResolvers<void>()
    const done = open(timeoutMs).refresh(
      'acc_1',
      () => {
        begun.resolve()
        return answer.promise
      },
      hasEnded,
    )
    await begun.promise
    await sql(`update user_credentials set claimed_until = now()`)
    return { answer, done }
  }

  it('are somebody else’s once its claim has ended', async () => {
    await keep()
    const { answer, done } = await stall(1_000)
    expect(await held()).toBe('first')
    answer.resolve({ refreshToken: null })
    await done
  })

  it('lose nothing that it brings late', async () => {
    await keep()
    const { answer, done } = await stall(1_000)
    answer.resolve({ refreshToken: new Secret('late') })
    await done
    expect(await held()).toBe('late')
  })

  it('are not set back by what it brings when another has stored a newer one', async () => {
    await keep()
    const { answer, done } = await stall(1_000)
    await credentials.refresh('acc_1', async () => ({ refreshToken: new Secret('newer') }), hasEnded)
    answer.resolve({ refreshToken: new Secret('late') })
    await done
    expect(await held()).toBe('newer')
  })

  it('are not said to have ended because of a token that was replaced meanwhile: the new one is used', async () => {
    await keep()
    const used: string[] = []
    const done = credentials.refresh(
      'acc_1',
      async (refreshToken) => {
        used.push(refreshToken.reveal())
        if (used.length > 1) return { refreshToken: null }
        await keep({ refreshToken: new Secret('of a new sign-in') })
        throw ENDED
      },
      hasEnded,
    )
    expect(await done).not.toBeNull()
    expect(used).toEqual(['first', 'of a new sign-in'])
    expect(await rowOf()).toMatchObject({ requiresAuthenticationSince: null })
    expect(await acts()).toEqual([])
  })

  it('keep the claim of whoever came next', async () => {
    await keep()
    const first = await stall(1_000)
    const begun = Promise.withResolvers<void>()
    const answer = Promise.withResolvers<{ refreshToken: null }>()
    const hold = () => {
      begun.resolve()
      return answer.promise
    }
    const second = credentials.refresh('acc_1', hold, hasEnded)
    await begun.promise
    first.answer.resolve({ refreshToken: null })
    await first.done
    expect((await rowOf()).claimedUntil).not.toBeNull()
    answer.resolve({ refreshToken: null })
    await second
    expect((await rowOf()).claimedUntil).toBeNull()
  })

  it('are stored before the process ends', async () => {
    await keep()
    const [begun, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<{ refreshToken: Secret<string> }>()]
    const ending = open()
    const refreshing = ending.refresh(
      'acc_1',
      () => {
        begun.resolve()
        return answer.promise
      },
      hasEnded,
    )
    await begun.promise
    const ended = ending.beforeApplicationShutdown()
    answer.resolve({ refreshToken: new Secret('second') })
    await ended
    expect(await rowOf()).toMatchObject({ rotation: 1 })
    await refreshing
  })

  it('store a new refresh token also when the database is away for a moment', async () => {
    await keep()
    const refused = { before: 0 }
    const failing = new Proxy(db.database, {
      get: (target, name) =>
        name === 'run'
          ? (statement: { name: string }, values: unknown[]) => {
              if (statement.name === 'store-refreshed-user-credential' && refused.before++ < 2)
                return Promise.reject(new Error('the database is away'))
              return target.run(statement as never, values)
            }
          : Reflect.get(target, name),
    })
    const there = new UserCredentials(failing, clock, new CryptoRandom(), sealer, operator, new Log('silent'), {
      timeoutMs: 10_000,
    })
    await there.refresh('acc_1', async () => ({ refreshToken: new Secret('second') }), hasEnded)
    expect(refused.before).toBe(3)
    expect(await held()).toBe('second')
  })
})
