import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { until } from '#platform/testing/until.js'
import type { Client, ServiceAccount } from './public-api.js'
import { type Queue, queuesOfThisMachine } from './queue-store.js'
import { Stage, told } from './stage.js'

const DOWN = { answer: { status: 503, text: 'down' } }

describe.each<Queue>(queuesOfThisMachine())('callbacks, the queue on %s,', (queue) => {
  const { url: databaseUrl } = testDatabase()
  let stage: Stage
  let client: Client
  let acme: ServiceAccount
  /** What takes seconds is begun first and looked at last. */
  const begun = { flaky: '', silent: '' }
  let cancelled: Awaited<ReturnType<typeof cancelBetweenAttempts>>
  let revoked: Awaited<ReturnType<typeof revokeInTheMiddle>>

  beforeAll(async () => {
    stage = await Stage.open(databaseUrl, { queue, settings: { MANDATE_CALLBACK_TIMEOUT_SECONDS: '2' } })
    client = await stage.api.addClient('Scheduler')
    acme = await stage.api.authorise(client, 'acme')
    answerInTurn('flaky', 503, 503)
    answerInTurn('silent', { hang: true })
    const [flaky, silent] = await stage.ask(
      acme,
      { email: 'ben@acme.test', state: 'flaky' },
      { email: 'carla@acme.example', state: 'silent' },
    )
    Object.assign(begun, { flaky, silent })
    cancelled = await cancelBetweenAttempts()
    revoked = await revokeInTheMiddle()
  })
  afterAll(() => stage?.close())

  const answerInTurn = (state: string, ...answers: unknown[]) =>
    stage.receiver.standIn.mutate('answer-in-turn', { contains: `"${state}"`, answers })
  const exchange = (code: string | undefined) => stage.api.exchange(client, code ?? '', stage.callbackUrl)
  const errorOf = async (code: string | undefined) => (await exchange(code)).json.error
  const post = (id: string, action: 'redeliver' | 'cancel') =>
    stage.api.call('POST', `/v1/service_account_authorizations/${id}/${action}`, { token: acme.accessToken })
  const askForAnna = async (state: string) => (await stage.ask(acme, { email: 'anna@acme.test', state }))[0]!
  const messageIds = (state: string) => stage.callbacksOf(state).map(({ headers }) => headers['webhook-id'])
  /** The request, once so many attempts have come to an end. */
  const recorded = (id: string, attempts: number) =>
    until(`attempt ${attempts} to be recorded`, async () => {
      const shown = await stage.show(acme, id)
      return typeof shown.callback_attempts[attempts - 1]?.milliseconds === 'number' && shown
    })
  const bellToBeSpent = (id: string) =>
    until(`the bell of ${id} to be spent`, async () => !(await stage.queue.holdsJobFor(id)))

  async function cancelBetweenAttempts() {
    answerInTurn('too late', 503)
    const id = await askForAnna('too late')
    const { code } = await stage.told('too late')
    await recorded(id, 1)
    return { id, code, answer: await post(id, 'cancel') }
  }

  /** Umbrella is revoked while one request waits for Microsoft, one for the receiver, and one for the exchange. */
  async function revokeInTheMiddle() {
    const umbrella = await stage.api.authorise(client, 'umbrella')
    const ursula = (state: string) => stage.ask(umbrella, { email: 'ursula@umbrella.test', state })
    await ursula('in use')
    const tokens = (await exchange((await stage.told('in use')).code)).json
    await ursula('not exchanged')
    const { code } = await stage.told('not exchanged')
    answerInTurn('not told', 503)
    const [notTold] = await ursula('not told')
    await stage.callback('not told')
    const { faults, journal } = stage.sandbox.microsoft
    const { id: faultId } = faults.add({ contains: 'room.hive', ...DOWN })
    const [undecided] = await stage.ask(umbrella, { email: 'room.hive@umbrella.test', state: 'undecided' })
    await until('Microsoft to be asked', () => faults.list().some(({ hits }) => hits > 0))

    expect((await stage.api.revoke(client, { token: umbrella.accessToken })).status).toBe(200)
    faults.remove(faultId)
    const lastCall = journal.list({ limit: 1 })[0]?.number
    return { umbrella, tokens, code, notTold: notTold!, undecided: undecided!, lastCall }
  }

  it('and tokens end with the service account: nothing that came of it can be used', async () => {
    const { umbrella, tokens, code } = revoked
    const statusOf = async (path: string, token: string) => (await stage.api.call('GET', path, { token })).status
    expect(await statusOf('/v1/userinfo', umbrella.accessToken)).toBe(401)
    expect(await statusOf('/v1/userinfo', tokens.access_token)).toBe(401)
    expect(await statusOf('/v1/proxy/microsoft/v1.0/me/calendar', tokens.access_token)).toBe(401)
    for (const refreshToken of [umbrella.refreshToken, tokens.refresh_token])
      expect((await stage.api.refresh(client, refreshToken)).json.error).toBe('invalid_grant')
    expect(await errorOf(code)).toBe('invalid_grant')
  })

  it('end for good when the receiver answers 410, until they are sent again by hand', async () => {
    answerInTurn('gone', 410)
    const id = await askForAnna('gone')
    const shown = await stage.requestOnce('abandoned', acme, id)
    expect(shown).toMatchObject({ status: 'granted', attempts: 1, next_attempt_at: null })
    await bellToBeSpent(id)
    expect(stage.callbacksOf('gone')).toHaveLength(1)

    expect((await post(id, 'redeliver')).status).toBe(202)
    const { code } = await stage.told('gone', 2)
    await stage.requestOnce('delivered', acme, id)
    expect((await exchange(code)).status).toBe(200)
  })

  it('do not follow a redirect', async () => {
    answerInTurn('moved', { answer: { status: 307, headers: { location: `${stage.receiver.url}/elsewhere` } } })
    const id = await askForAnna('moved')
    const shown = await recorded(id, 1)
    expect(shown).toMatchObject({ callback: 'waiting', callback_attempts: [{ number: 1, status: 307, failure: null }] })
    expect(stage.receiver.deliveries.list({ path: '/elsewhere' })).toEqual([])
  })

  it('count as delivered once their code has been exchanged, though the answer was lost', async () => {
    const exchanged: number[] = []
    const stopListening = stage.receiver.onDelivery(async (delivery) => {
      const { code, state } = told(delivery)
      if (state === 'lost') exchanged.push((await exchange(code)).status)
    })
    answerInTurn('lost', { reset: true })
    const id = await askForAnna('lost')
    const shown = await stage.requestOnce('delivered', acme, id)
    stopListening()

    expect(exchanged).toEqual([200])
    expect(shown.callback_attempts).toMatchObject([{ status: null, failure: 'egress.connection_failed' }])
  })

  it('are sent again by hand under the same id with a fresh code, until one has been exchanged', async () => {
    const id = await askForAnna('again')
    const first = await stage.told('again')
    await stage.requestOnce('delivered', acme, id)

    expect((await post(id, 'redeliver')).status).toBe(202)
    const second = await stage.told('again', 2)
    expect(messageIds('again')).toEqual([id, id])
    expect(await errorOf(first.code)).toBe('invalid_grant')
    expect((await exchange(second.code)).status).toBe(200)

    await stage.requestOnce('delivered', acme, id)
    const refused = await post(id, 'redeliver')
    expect({ status: refused.status, error: refused.json.error }).toEqual({ status: 409, error: 'conflict' })
  })

  it('are not sent for a request that was cancelled before the provider answered', async () => {
    const { id: faultId } = stage.sandbox.google.faults.add({ contains: 'anna@acme.test', ...DOWN })
    const id = await askForAnna('withdrawn')
    expect((await post(id, 'redeliver')).status).toBe(409)
    expect((await post(id, 'cancel')).json).toMatchObject({ status: 'cancelled', callback: 'abandoned' })
    stage.sandbox.google.faults.remove(faultId)

    await bellToBeSpent(id)
    expect(stage.callbacksOf('withdrawn')).toEqual([])
    expect((await post(id, 'cancel')).status).toBe(200)
    expect((await post(id, 'redeliver')).status).toBe(409)
  })

  it('cannot be taken back once they have been delivered', async () => {
    const id = await askForAnna('told')
    const { code } = await stage.told('told')
    await stage.requestOnce('delivered', acme, id)
    expect((await post(id, 'cancel')).status).toBe(409)
    expect((await exchange(code)).status).toBe(200)
  })

  it('are not repeated for a request that was cancelled, and the code that was sent is dead', async () => {
    const { id, code, answer } = cancelled
    expect(answer.json).toMatchObject({ status: 'cancelled', callback: 'abandoned', next_attempt_at: null })
    expect(await errorOf(code)).toBe('invalid_grant')
    await bellToBeSpent(id)
    expect(stage.callbacksOf('too late')).toHaveLength(1)
  })

  it('do not follow on a revoked service account, whatever was still waiting', async () => {
    await bellToBeSpent(revoked.undecided)
    await bellToBeSpent(revoked.notTold)
    expect(stage.sandbox.microsoft.journal.list({ after: revoked.lastCall })).toEqual([])
    expect(stage.callbacksOf('undecided')).toEqual([])
    expect(stage.callbacksOf('not told')).toHaveLength(1)
  })

  it('fail where the receiver says nothing within the timeout, and are tried again', async () => {
    const shown = await stage.requestOnce('delivered', acme, begun.silent)
    expect(shown.callback_attempts).toMatchObject([
      { number: 1, status: null, failure: 'egress.timed_out' },
      { number: 2, status: 200, failure: null },
    ])
  })

  it('are repeated after 5 and then 30 seconds, under the same id with a fresh code each', async () => {
    const [first, second] = [await stage.told('flaky', 1), await stage.told('flaky', 2)]
    const waiting = await recorded(begun.flaky, 2)
    const [one, two] = waiting.callback_attempts.map(({ started_at }: { started_at: string }) => Date.parse(started_at))
    expect(two - one).toBeGreaterThan(3_900)
    const thirtySeconds = Date.parse(waiting.next_attempt_at) - two
    expect(thirtySeconds).toBeGreaterThan(23_900)
    expect(thirtySeconds).toBeLessThan(36_500)
    expect(await errorOf(first.code)).toBe('invalid_grant')

    // Nobody wants to wait for the rest of the schedule, and a client need not either.
    expect((await post(begun.flaky, 'redeliver')).status).toBe(202)
    const third = await stage.told('flaky', 3)
    const shown = await stage.requestOnce('delivered', acme, begun.flaky)
    expect(shown.callback_attempts.map(({ status }: { status: number }) => status)).toEqual([503, 503, 200])
    expect(messageIds('flaky')).toEqual([begun.flaky, begun.flaky, begun.flaky])
    expect(await errorOf(second.code)).toBe('invalid_grant')
    expect((await exchange(third.code)).status).toBe(200)
  })
})
