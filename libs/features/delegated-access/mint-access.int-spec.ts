import { ProviderCredential } from '#domain/credentials/provider-credential.entity.js'
import { ProviderCredentials } from '#domain/credentials/provider-credentials.js'
import { ServiceAccount } from '#domain/credentials/service-account.entity.js'
import { ServiceAccountStates } from '#domain/credentials/service-account-states.js'
import { ServiceAccounts } from '#domain/credentials/service-accounts.js'
import { serialiseCredential } from '#domain/providers/credential-codec.js'
import { permissionsOf, providerScopesFor } from '#domain/providers/delegated-scopes.js'
import { readGoogleKeyFile } from '#domain/providers/google/google-credential.js'
import { providersForTests } from '#domain/providers/testing/providers-for-tests.js'
import { days, hours } from '#platform/clock/clock.js'
import { Log } from '#platform/observability/log.js'
import type { Doorbell } from '#platform/queues/doorbell.js'
import { CryptoRandom } from '#platform/secrets/random.js'
import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { HeldClock } from '#platform/testing/held-clock.js'
import { sealerForTests } from '#platform/testing/sealer-for-tests.js'
import { type Sandbox, startSandbox } from '../../../apps/sandbox/sandbox.js'
import { defaultSeed } from '../../../apps/sandbox/seed/default-seed.js'
import { RECORD_GRANT } from './decision-statements.js'
import type { DeliverCallback } from './deliver-callback.js'
import { MintAccess } from './mint-access.js'

const HOUR_LATER = { 'retry-after': String(hours(1) / 1000) }
/** Each for a third of the day. */
const OUTAGES = [
  { path: '/token', answer: { status: 503, headers: HOUR_LATER, html: '<h1>Service Unavailable</h1>' } },
  { path: '/token', answer: { status: 429, headers: HOUR_LATER, json: { error: 'rate_limit_exceeded' } } },
  { path: '/calendar/*', answer: { status: 500, headers: HOUR_LATER, json: { error: { code: 500 } } } },
]

describe('while Google is out of order for a day', () => {
  const db = databaseForTests([ServiceAccount, ProviderCredential])
  const clock = new HeldClock()
  const providers = providersForTests(db, clock)
  const sealer = sealerForTests()
  const random = new CryptoRandom()
  let sandbox: Sandbox
  let step: MintAccess

  beforeAll(async () => {
    const { seed, operator } = await defaultSeed()
    sandbox = await startSandbox({ seed })
    const credential = readGoogleKeyFile(JSON.stringify(operator.googleKeyFile))
    const scopes = providerScopesFor('google', permissionsOf(['read_only']), ['person'])
    sandbox.google.mutate('add-delegation', { clientId: credential.clientId, scopes })
    const accounts = new ServiceAccounts(clock, random, sealer, new ProviderCredentials(clock, random, sealer))
    await sql(
      `insert into clients (id, name, redirect_uris, callback_origins, sealed_signing_secret, created_at)
       values ('cli_1', 'x', '{}', '{}', '', now())`,
    )
    await db.database.inTransaction((tx) =>
      accounts.connect(tx, {
        ...{ clientId: 'cli_1', provider: 'google', organisationId: 'C01abc234', organisationName: 'Acme' },
        ...{ domains: ['acme.test', 'acme.example'], administratorEmail: 'admin@acme.test' },
        ...{ credentialSource: 'customer', credential: serialiseCredential(credential) },
        ...{ scope: ['service_account/accounts/manage'], delegatedScope: ['read_only'] },
      }),
    )
    const doorbell = { ring: async () => true } as unknown as Doorbell
    const google = await providers.open({ googleSandboxUrl: new URL(sandbox.google.url), timeoutMs: 10_000 })
    const states = new ServiceAccountStates(db.database, clock)
    const callbacks = { beginFirst: async () => null, deliverAtOnce: async () => false } as unknown as DeliverCallback
    step = new MintAccess(db.database, clock, accounts, states, google, random, callbacks, doorbell, new Log('silent'))
  })
  afterAll(() => sandbox?.stop())

  // biome-ignore lint/suspicious/noExplicitAny: rows of every table
  const sql = (text: string, values: unknown[] = []) => db.database.read((em) => em.execute<any[]>(text, values))
  const ask = (email: string) =>
    sql(
      `insert into delegated_access_requests
         (id, client_id, service_account_id, fingerprint, email, callback_url, callback_host, scope, decision,
         callback, created_at)
       select ?, 'cli_1', id, '', ?, 'https://client.test', 'client.test', '{read_only}', 'pending', 'waiting', ? from service_accounts`,
      [`dar_${email}`, email, clock.now()],
    )
  /** The database's own clock cannot be held: what is in it grows older instead. */
  const pass = async (milliseconds: number) => {
    clock.advance(milliseconds)
    const older = `- interval '${milliseconds} ms'`
    await sql(`update provider_budgets set free_at = free_at ${older}, rising_since = rising_since ${older}`)
    await sql(
      `update provider_tokens set usable_until = usable_until ${older}, renew_at = renew_at ${older},
         claimed_until = claimed_until ${older}`,
    )
  }
  const decisions = async () =>
    (await sql('select decision from delegated_access_requests')).map(({ decision }) => decision)

  it('no request is denied and no grant ends; every request is tried again, and granted when it is over', async () => {
    await ask('carla@acme.example')
    expect(await step.mint('dar_carla@acme.example')).toBeNull()
    expect(await decisions()).toEqual(['granted'])

    const waiting = ['anna@acme.test', 'ben@acme.test', 'helpdesk@acme.test']
    for (const email of waiting) await ask(email)
    const due = new Map(waiting.map((email) => [email, clock.now()]))
    const begun = clock.now().getTime()
    let tries = 0
    while (clock.now().getTime() < begun + days(1)) {
      sandbox.google.faults.clear()
      sandbox.google.faults.add(OUTAGES[Math.floor((clock.now().getTime() - begun) / hours(8))]!)
      for (const [email, at] of due)
        if (at <= clock.now()) {
          const again = await step.mint(`dar_${email}`)
          if (!again) throw new Error(`${email} is not tried again`)
          due.set(email, again)
          tries += 1
        }
      const next = Math.min(...[...due.values()].map((at) => at.getTime()))
      await pass(Math.max(next - clock.now().getTime(), 1))
    }
    expect(tries).toBeGreaterThanOrEqual(3 * 22)
    expect((await decisions()).sort()).toEqual(['granted', 'pending', 'pending', 'pending'])

    sandbox.google.faults.clear()
    await pass(hours(2))
    for (const email of waiting) expect(await step.mint(`dar_${email}`)).toBeNull()
    expect(await decisions()).toEqual(Array(4).fill('granted'))
    expect(await sql('select id from grants where revoked_at is not null')).toEqual([])
  })

  describe('a grant that comes with a first attempt', () => {
    /** Grants what was asked for `email`, as the step does that has a place for its callback. */
    const grant = async (email: string) => {
      const id = `dar_${email}`
      const lease = new Date(clock.now().getTime() + 15_000)
      const mailbox = [`acc_${email}`, `pro_${email}`, `gra_${email}`, email, 'person', null, `user ${email}`]
      const values = [id, clock.now(), clock.now(), ...mailbox, lease, `hash of ${email}`, lease] as const
      const granted = await db.database.runTogether(RECORD_GRANT, values)
      const [row] = await sql(
        'select decision, attempts, lease_until is not null as leased from delegated_access_requests where id = ?',
        [id],
      )
      const codes = await sql('select code_hash, grant_id from codes where request_id = ?', [id])
      const attempts = await sql('select number from callback_attempts where request_id = ?', [id])
      const acts = await sql('select act from audit_arrivals where mailbox = ? order by id', [email])
      return { granted, row, codes, attempts, acts: acts.map(({ act }) => act) }
    }
    const NOT_TAKEN = { row: { decision: 'granted', attempts: 0, leased: false }, codes: [], attempts: [] }

    it('takes it, with its code, and says so once', async () => {
      await ask('first@acme.test')
      const { granted, ...left } = await grant('first@acme.test')
      expect(granted).toMatchObject({ is_claimed: true, attempts: 1, host_has_failed: false, client_id: 'cli_1' })
      const taken = {
        row: { decision: 'granted', attempts: 1, leased: true },
        codes: [{ code_hash: 'hash of first@acme.test', grant_id: 'gra_first@acme.test' }],
        attempts: [{ number: 1 }],
        acts: ['mint.granted', 'code.issued'],
      }
      expect(left).toEqual(taken)
      const { granted: again, ...unchanged } = await grant('first@acme.test')
      expect([again, unchanged]).toEqual([undefined, taken])
    })

    it.each([
      [
        'the breaker of the host is open',
        `insert into callback_hosts values ('cli_1', 'client.test', 10, 0, now(), now(), '')`,
        'delete from callback_hosts',
      ],
      ['the client is disabled', 'update clients set disabled_at = now()', 'update clients set disabled_at = null'],
    ])('leaves it while %s', async (what, begin, end) => {
      const email = `${what.replaceAll(' ', '.')}@acme.test`
      await ask(email)
      await sql(begin)
      const { granted, ...left } = await grant(email)
      expect(granted).toMatchObject({ is_claimed: false })
      expect(left).toEqual({ ...NOT_TAKEN, acts: ['mint.granted'] })
      await sql(end)
    })
  })

  it('nothing is granted that the administrator no longer allows, though the provider was asked before', async () => {
    await ask('ben@acme.example')
    const id = 'dar_ben@acme.example'
    await sql(`update service_accounts set narrowed_to = '{free_busy}'`)
    const mailbox = ['acc_ben', 'pro_ben', 'gra_ben', 'ben@acme.example', 'person', null, 'user ben', null, null, null]
    expect(await db.database.runTogether(RECORD_GRANT, [id, clock.now(), clock.now(), ...mailbox])).toBeUndefined()
    expect(await sql(`select from grants where id = 'gra_ben'`)).toEqual([])
    const askedBefore = sandbox.google.journal.list().length
    expect(await step.mint(id)).toBeNull()
    expect(sandbox.google.journal.list()).toHaveLength(askedBefore)
    expect(await sql('select decision, error, error_key from delegated_access_requests where id = ?', [id])).toEqual([
      { decision: 'denied', error: 'unable_to_grant_scope', error_key: 'scope.narrowed' },
    ])
    await sql('update service_accounts set narrowed_to = null')
  })

  it('nothing is granted of a kind that the administrator no longer allows, though the provider was asked before', async () => {
    await ask('rooms.only@acme.test')
    await sql(`update service_accounts set narrowed_kinds = '{room}'`)
    const ids = ['acc_late', 'pro_late', 'gra_late']
    const mailbox = [...ids, 'rooms.only@acme.test', 'person', null, 'user late', null, null, null]
    const id = 'dar_rooms.only@acme.test'
    const grant = () => db.database.runTogether(RECORD_GRANT, [id, clock.now(), clock.now(), ...mailbox])
    expect(await grant()).toBeUndefined()
    await sql('update service_accounts set narrowed_kinds = null')
    expect(await grant()).toMatchObject({ grant_id: 'gra_late' })
  })
})
