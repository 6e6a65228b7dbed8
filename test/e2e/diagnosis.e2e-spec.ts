import { randomBytes } from 'node:crypto'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { mandate } from './cli-process.js'
import type { ServiceAccount } from './public-api.js'
import { Stage } from './stage.js'

const DELEGATED = '108844220066113355779'
const FREEBUSY = 'https://www.googleapis.com/auth/calendar.freebusy'

interface Step {
  id: string
  result: string
  key: string | null
  fix: string
  commands: string[]
}

describe('what is wrong with a service account', () => {
  const { url: databaseUrl } = testDatabase()
  const keys = { MANDATE_ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64')}` }
  let stage: Stage
  let acme: ServiceAccount
  let initech: ServiceAccount

  beforeAll(async () => {
    stage = await Stage.open(databaseUrl, { settings: keys })
    const client = await stage.api.addClient('Scheduler')
    acme = await stage.api.authorise(client, 'acme')
    initech = await stage.api.authorise(client, 'initech')
  })
  afterAll(() => stage?.close())
  // The administrators' changes are what a test is about: each ends with everything as it was.
  afterEach(() => {
    for (const standIn of [stage.sandbox.google, stage.sandbox.microsoft]) standIn.faults.clear()
  })

  const diagnose = ({ accessToken: token }: ServiceAccount) =>
    stage.api.must('GET', '/v1/service_account/diagnosis', { token })
  const failing = ({ steps }: { steps: Step[] }) =>
    steps.filter(({ result }) => result === 'failed').map(({ id, key }) => ({ id, key }))

  it('is nothing, where all is well', async () => {
    for (const account of [acme, initech]) {
      const diagnosis = await diagnose(account)
      expect(diagnosis).toMatchObject({ service_account_id: account.id, outcome: 'healthy', note: null })
      expect(diagnosis.steps.map(({ id }: Step) => id)).toEqual(
        expect.arrayContaining(['clock', 'credential', 'mailbox', 'same-organisation']),
      )
    }
  })

  it('is the very scope that the administrator has taken away, while Google says unauthorized_client', async () => {
    const change = { clientId: DELEGATED, scope: FREEBUSY }
    stage.sandbox.google.mutate('remove-delegation-scope', change)
    const diagnosis = await diagnose(acme)
    expect(diagnosis).toMatchObject({ outcome: 'broken', note: expect.stringContaining('up to 24 hours') })
    expect(failing(diagnosis)).toEqual([{ id: `permission:${FREEBUSY}`, key: 'google.delegation_missing' }])
    const { fix } = diagnosis.steps.find(({ result }: Step) => result === 'failed')
    expect(fix).toContain(DELEGATED)
    expect(fix).toContain(FREEBUSY)
  })

  it('is a policy in Exchange, with the commands that would let the application in', async () => {
    stage.sandbox.microsoft.mutate('exclude-mailbox', { email: 'admin@initech.test' })
    const diagnosis = await diagnose(initech)
    expect(failing(diagnosis)).toEqual([{ id: 'mailbox', key: 'microsoft.mailbox_excluded_by_policy' }])
    const { commands } = diagnosis.steps.find(({ id }: Step) => id === 'mailbox')
    expect(commands.join('\n')).toContain(`appId eq '${stage.operator.microsoftApp.clientId}'`)
    expect(commands.at(-1)).toContain('admin@initech.test')
    stage.sandbox.microsoft.mutate('include-mailbox', { email: 'admin@initech.test' })
  })

  it('is our clock, where it is wrong', async () => {
    stage.sandbox.microsoft.mutate('shift-clock', { seconds: 1_000 })
    const diagnosis = await diagnose(initech)
    expect(diagnosis.steps[0]).toMatchObject({ id: 'clock', result: 'failed', key: 'operator.clock_wrong' })
    stage.sandbox.microsoft.mutate('shift-clock', { seconds: -1_000 })
  })

  it('cannot be told while the provider is down, and then nothing is called broken', async () => {
    stage.sandbox.microsoft.faults.add({ path: '/*/oauth2/v2.0/token', answer: { status: 503, json: {} } })
    stage.sandbox.microsoft.faults.add({ path: '/v1.0/*', answer: { status: 503, json: {} } })
    const diagnosis = await diagnose(initech)
    expect(diagnosis).toMatchObject({ outcome: 'unreachable' })
    expect(failing(diagnosis)).toEqual([])
  })

  it('is told to operators too, over /admin/v1 and at a terminal', async () => {
    const { json } = await stage.api.asAdmin('GET', `/admin/v1/service-accounts/${initech.id}/diagnosis`)
    expect(json).toMatchObject({ service_account_id: initech.id, outcome: 'healthy' })
    const terminal = {
      ...keys,
      DATABASE_URL: databaseUrl.reveal(),
      MANDATE_SANDBOX_GOOGLE_URL: stage.sandbox.google.url,
      MANDATE_SANDBOX_MICROSOFT_URL: stage.sandbox.microsoft.url,
    }
    const [well, broken, unknown] = await Promise.all([
      mandate(['doctor', initech.id], terminal),
      mandate(['doctor', acme.id, '--json'], terminal),
      mandate(['doctor', 'ser_unknown'], terminal),
    ])
    expect(well).toMatchObject({ exitCode: 0, stderr: '', stdout: expect.stringContaining('All is well.') })
    expect(broken).toMatchObject({ exitCode: 1, stderr: '' })
    expect(failing(JSON.parse(broken!.stdout))).toEqual([
      { id: `permission:${FREEBUSY}`, key: 'google.delegation_missing' },
    ])
    expect(unknown).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('does not exist') })
  })

  it('is told to nobody else', async () => {
    const stranger = await stage.api.authorise(await stage.api.addClient('Rival'), 'globex')
    expect((await diagnose(stranger)).service_account_id).toBe(stranger.id)
    expect(await stage.api.call('GET', '/v1/service_account/diagnosis', { token: 'x'.repeat(32) })).toMatchObject({
      status: 401,
    })
  })

  it('is found out twenty times a minute for one service account, whoever asks', async () => {
    const { accessToken: token, id } = await stage.api.authorise(await stage.api.addClient('Eager'), 'globex')
    stage.sandbox.google.faults.add({ path: '/token', answer: { status: 503, json: {} } })
    const ask = [
      () => stage.api.call('GET', '/v1/service_account/diagnosis', { token }),
      () => stage.api.asAdmin('GET', `/admin/v1/service-accounts/${id}/diagnosis`),
    ]
    const statuses: number[] = []
    for (let n = 0; n < 22; n++) statuses.push((await ask[n % 2]!()).status)
    expect(statuses).toEqual([...Array(20).fill(200), 429, 429])
  })
})
