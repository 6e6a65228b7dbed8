import { Log } from '#platform/observability/log.js'
import { withOrigin } from '#platform/observability/origin.js'
import { Secret } from '#platform/secrets/secret.js'
import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { HeldClock } from '#platform/testing/held-clock.js'
import { sealerForTests } from '#platform/testing/sealer-for-tests.js'
import { RecordUnreadableSecrets } from './record-unreadable-secrets.js'

describe('a sealed value that does not open', () => {
  const ground = databaseForTests([])
  const sealer = sealerForTests()
  const place = (row: string) => ({ table: 'clients', column: 'sealed_signing_secret', row, client: 'cli_1' }) as const

  it('is on record, once an hour for its column and client, whoever wanted to read it', async () => {
    const recorder = new RecordUnreadableSecrets(sealer, ground.database, new HeldClock(), new Log('silent'))
    recorder.onModuleInit()
    const sealed = await sealer.seal(new Secret('a secret'), place('cli_1'))
    for (const row of ['cli_2', 'cli_3'])
      await expect(withOrigin(caller, () => sealer.open(sealed, place(row)))).rejects.toThrow('altered')
    await expect(sealer.open(sealed.replace(/^v1/, 'v2'), { ...place('cli_1'), client: 'cli_9' })).rejects.toThrow()
    expect((await sealer.open(sealed, place('cli_1'))).reveal()).toBe('a secret')
    await recorder.beforeApplicationShutdown()
    const text = 'select client_id, act, actor, subject, reason, details from audit_arrivals order by client_id'
    const what = {
      act: 'secret.not_opened',
      reason: 'secrets.value_altered',
      details: '{"column":"clients.sealed_signing_secret"}',
    }
    expect(await ground.database.read((em) => em.execute(text))).toEqual([
      { client_id: 'cli_1', actor: 'client:cli_1', subject: 'cli_2', ...what },
      { client_id: 'cli_9', actor: 'mandate', subject: 'cli_1', ...what },
    ])
  })

  const caller = { actor: 'client:cli_1', address: '192.0.2.1', requestId: 'req_1' }
})
