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

  it('are listed and told once more over HTTP, with the operator on record, and by nobody without the key', async () => {
    const globex = await stage.api.authorise(await stage.api.addClient('Planner'), 'globex')
    stage.receiver.standIn.mutate('answer-in-turn', { contains: '"gone too"', answers: [410] })
    const [id] = await stage.ask(globex, { email: 'greg@globex.test', state: 'gone too' })
    await stage.requestOnce('abandoned', globex, id!)

    const { host } = new URL(stage.receiver.url)
    const listed = async (query: Record<string, string>) =>
      (await stage.api.asAdmin('GET', `/admin/v1/dead_letters?${new URLSearchParams(query)}`)).json.dead_letters
    expect(await listed({ host })).toMatchObject([
      { id, client_id: globex.client.id, service_account_id: globex.id, abandoned_because: 'gone' },
    ])
    expect(await listed({ host: 'elsewhere.test' })).toEqual([])

    const path = '/admin/v1/dead_letters/redeliver'
    const json = { request_id: id }
    expect((await stage.api.call('POST', path, { json, token: globex.accessToken })).status).toBe(401)
    expect((await stage.api.asAdmin('POST', path, { json: {} })).status).toBe(422)
    expect((await stage.api.asAdmin('POST', path, { json: { ...json, host } })).status).toBe(422)
    expect((await stage.api.asAdmin('POST', path, { json: { host: 'https://x' } })).json.errors).toHaveProperty('host')
    const told = await stage.api.asAdmin('POST', path, { json })
    expect([told.status, told.json]).toMatchObject([202, { redelivered: 1, done: true }])
    await stage.requestOnce('delivered', globex, id!)
    expect(await listed({ service_account_id: globex.id })).toEqual([])

    const { events } = await stage.api.audit(`events?client=${globex.client.id}`)
    const asked = events.filter(({ act }: { act: string }) => act === 'access.redelivered')
    expect(asked).toMatchObject([{ subject: id, actor: expect.stringMatching(/^admin-key:/), address: '127.0.0.1' }])
  })

  it('are not redelivered without saying which', async () => {
    const { exitCode, stderr } = await mandate(['requests', 'redeliver'], operator)
    expect(exitCode).toBe(2)
    expect(stderr).toContain('--service-account')
  })
})
