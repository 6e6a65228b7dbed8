import { randomBytes } from 'node:crypto'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { mandate, mandateJson } from './cli-process.js'
import { Stage } from './stage.js'

interface DeadLetters {
  dead_letters: {
    id: string
    service_account_id: string
    abandoned_because: string
    last_attempt: { status: number }
  }[]
}

describe('callbacks that were given up', () => {
  const { url: databaseUrl } = testDatabase()
  const settings = { MANDATE_ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64')}` }
  const operator = { DATABASE_URL: databaseUrl.reveal(), ...settings }
  let stage: Stage

  beforeAll(async () => {
    stage = await Stage.open(databaseUrl, { settings })
  })
  afterAll(() => stage?.close())

  const cli = (...words: string[]) => mandateJson<DeadLetters>(words, operator)

  it('are listed with the reason at a terminal, and told once more from there, under the same id', async () => {
    const acme = await stage.api.authorise(await stage.api.addClient('Scheduler'), 'acme')
    stage.receiver.standIn.mutate('answer-in-turn', { contains: '"gone"', answers: [410] })
    const [id] = await stage.ask(acme, { email: 'anna@acme.test', state: 'gone' })
    expect(await stage.requestOnce('abandoned', acme, id!)).toMatchObject({ abandoned_because: 'gone' })

    const { dead_letters } = await cli('requests', 'list', '--service-account', acme.id)
    expect(dead_letters).toMatchObject([{ id, service_account_id: acme.id, abandoned_because: 'gone' }])
    expect(dead_letters[0]?.last_attempt.status).toBe(410)

    const host = new URL(stage.receiver.url).host
    expect(await cli('requests', 'redeliver', '--host', host)).toMatchObject({ redelivered: 1, done: true })
    const { code } = await stage.told('gone', 2)
    await stage.requestOnce('delivered', acme, id!)
    expect(stage.callbacksOf('gone').map(({ headers }) => headers['webhook-id'])).toEqual([id, id])
    expect((await stage.api.exchange(acme.client, code!, stage.callbackUrl)).status).toBe(200)
    expect((await cli('requests', 'list')).dead_letters).toEqual([])
  }, 60_000)

  it('are not redelivered without saying which', async () => {
    const { exitCode, stderr } = await mandate(['requests', 'redeliver'], operator)
    expect(exitCode).toBe(2)
    expect(stderr).toContain('--service-account')
  })
})
