import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { Secret } from '#platform/secrets/secret.js'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { NodeProcess } from '../../apps/demo/node-process.js'
import { type Sandbox, startSandbox } from '../../apps/sandbox/sandbox.js'
import { defaultSeed } from '../../apps/sandbox/seed/default-seed.js'
import { openConnectedAccount } from './connected-account.js'
import { STARTING_LOCK } from './refreshing-process.js'

const PATIENCE = 120_000

/** Two processes act for one account, at a provider that changes the refresh token with every use and ends all when one is used twice. */
describe('a refresh token that two processes use', () => {
  const { url } = testDatabase()
  const processes: NodeProcess[] = []
  let sandbox: Sandbox
  let settings: Record<string, string>
  let database: pg.Client
  let here: Awaited<ReturnType<typeof openConnectedAccount>>

  beforeAll(async () => {
    const { seed, operator } = await defaultSeed()
    sandbox = await startSandbox({ seed })
    settings = {
      DATABASE_URL: url.reveal(),
      MANDATE_ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64')}`,
      MANDATE_SANDBOX_MICROSOFT_URL: sandbox.microsoft.url,
      // What a dead process held is another's so much sooner.
      MANDATE_PROVIDER_TIMEOUT_SECONDS: '2',
    }
    database = new pg.Client({ connectionString: url.reveal() })
    await database.connect()
    here = await openConnectedAccount(settings)
    const { clientId, clientSecret } = operator.microsoftApp
    const proof = { kind: 'secret', clientSecret: new Secret(clientSecret) } as const
    await here.connect({ provider: 'microsoft', clientId, cloud: 'global', proof })
    sandbox.microsoft.mutate('punish-reuse')
  }, PATIENCE)
  beforeEach(async () => {
    await database.query('truncate provider_tokens, provider_budgets')
    sandbox.microsoft.journal.clear()
  })
  afterEach(() => Promise.all(processes.splice(0).map((one) => one.end('SIGKILL'))))
  afterAll(async () => {
    await here.close()
    await database.end()
    await sandbox.stop()
  })

  /** Starts them, and lets them begin at the same moment. @returns when all have ended */
  const run = async (...each: { times: number; dieAt?: string }[]): Promise<NodeProcess[]> => {
    await database.query(`select pg_advisory_lock(${STARTING_LOCK})`)
    const started = each.map(({ times, dieAt }) =>
      NodeProcess.start(
        '../test/faults/refreshing-process.js',
        { ...settings, ...(dieAt && { MANDATE_FAIL_POINT: dieAt }) },
        [String(times)],
      ),
    )
    processes.push(...started)
    for (const one of started) await one.until(() => one.said.includes('ready'))
    await database.query(`select pg_advisory_unlock(${STARTING_LOCK})`)
    for (const one of started) await one.until(() => one.hasEnded)
    return started
  }
  const givenTo = (one: NodeProcess): string[] => JSON.parse(/^given (.*)$/m.exec(one.said)?.[1] ?? `["${one.said}"]`)
  const refreshes = () => sandbox.microsoft.journal.list({ path: '/oauth2/v2.0/token' }).map(({ status }) => status)

  it('is used once for 64 who ask at once, and nothing is lost by it', async () => {
    sandbox.microsoft.faults.add({ path: '/common/oauth2/v2.0/token', delayMs: 500, times: 1 })
    const given = (await run({ times: 32 }, { times: 32 })).flatMap(givenTo)
    expect(given).toHaveLength(64)
    expect([...new Set(given)]).toEqual([expect.stringMatching(/^[0-9a-f]{12}$/)])
    expect(refreshes()).toEqual([200])
    await database.query('truncate provider_tokens')
    await expect(givenTo((await run({ times: 1 }))[0]!)).toEqual([expect.stringMatching(/^[0-9a-f]{12}$/)])
    expect(refreshes()).toEqual([200, 200])
  })

  it('is not lost with a process that is killed when the new one is stored and nobody has used it', async () => {
    const [killed] = await run({ times: 4, dieAt: 'user-credential.stored' })
    expect(killed!.signalCode).toBe('SIGKILL')
    const [next] = await run({ times: 1 })
    expect(givenTo(next!)).toEqual([expect.stringMatching(/^[0-9a-f]{12}$/)])
    expect(refreshes()).toEqual([200, 200])
  })

  it('is not lost either with one that is killed before that, at Microsoft, where the old one still works', async () => {
    sandbox.microsoft.mutate('punish-reuse', { punish: false })
    const [killed] = await run({ times: 4, dieAt: 'user-credential.refreshed' })
    expect(killed!.signalCode).toBe('SIGKILL')
    expect(givenTo((await run({ times: 1 }))[0]!)).toEqual([expect.stringMatching(/^[0-9a-f]{12}$/)])
    expect(refreshes()).toEqual([200, 200])
  })
})
