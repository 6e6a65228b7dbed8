import { ProviderCredential } from '#domain/credentials/provider-credential.entity.js'
import { ProviderCredentials } from '#domain/credentials/provider-credentials.js'
import { ServiceAccount } from '#domain/credentials/service-account.entity.js'
import {
  OUTAGE_COUNTS_AFTER,
  PROBE_AGAIN_AFTER,
  PROBE_LEASE,
  ServiceAccountStates,
  stateOf,
} from '#domain/credentials/service-account-states.js'
import { ServiceAccounts } from '#domain/credentials/service-accounts.js'
import { Account } from '#domain/grants/account.entity.js'
import { FindSomeMailbox } from '#domain/grants/find-some-mailbox.js'
import { serialiseCredential } from '#domain/providers/credential-codec.js'
import { permissionsOf, providerScopesFor } from '#domain/providers/delegated-scopes.js'
import { readGoogleKeyFile } from '#domain/providers/google/google-credential.js'
import type { GoogleCredential } from '#domain/providers/provider.port.js'
import { providersForTests } from '#domain/providers/testing/providers-for-tests.js'
import { days, hours, minutes, seconds } from '#platform/clock/clock.js'
import { Log } from '#platform/observability/log.js'
import type { Doorbell } from '#platform/queues/doorbell.js'
import { CryptoRandom } from '#platform/secrets/random.js'
import { databaseForTests } from '#platform/testing/database-for-tests.js'
import { HeldClock } from '#platform/testing/held-clock.js'
import { sealerForTests } from '#platform/testing/sealer-for-tests.js'
import { type Sandbox, startSandbox } from '../../../apps/sandbox/sandbox.js'
import { defaultSeed } from '../../../apps/sandbox/seed/default-seed.js'
import type { DeliverCallback } from '../delegated-access/deliver-callback.js'
import { MintAccess } from '../delegated-access/mint-access.js'
import { SweepRequests } from '../delegated-access/sweep-requests.js'
import { ProbeServiceAccounts } from './probe-service-accounts.js'
import { WarnOfExpiry } from './warn-of-expiry.js'

describe('a service account', () => {
  const db = databaseForTests([ServiceAccount, ProviderCredential, Account])
  const clock = new HeldClock()
  const providers = providersForTests(db, clock)
  const sealer = sealerForTests()
  const random = new CryptoRandom()
  const log = new Log('silent')
  const accounts = new ServiceAccounts(clock, random, sealer, new ProviderCredentials(clock, random, sealer))
  const doorbell = { ring: async () => true, ringNow: async () => {} } as unknown as Doorbell
  const scopes = providerScopesFor('google', permissionsOf(['read_only']), ['person'])
  let sandbox: Sandbox
  let credential: GoogleCredential
  let probe: ProbeServiceAccounts
  let mint: MintAccess
  let states: ServiceAccountStates
  let id: string

  beforeAll(async () => {
    const { seed, operator } = await defaultSeed()
    sandbox = await startSandbox({ seed })
    credential = readGoogleKeyFile(JSON.stringify(operator.googleKeyFile))
    await sql(
      `insert into clients (id, name, redirect_uris, callback_origins, sealed_signing_secret, event_url, created_at)
       values ('cli_1', 'x', '{}', '{}', '', 'https://client.test/events', now())`,
    )
  })
  beforeEach(async () => {
    for (const table of ['delegated_access_requests', 'client_events', 'audit_arrivals', 'grants', 'accounts'])
      await sql(`delete from ${table}`)
    await sql('delete from service_accounts')
    sandbox.google.faults.clear()
    delegate()
    const connected = await db.database.inTransaction((tx) =>
      accounts.connect(tx, {
        ...{ clientId: 'cli_1', provider: 'google', organisationId: 'C01abc234', organisationName: 'Acme' },
        ...{ domains: ['acme.test', 'acme.example'], administratorEmail: 'admin@acme.test' },
        ...{ credentialSource: 'customer', credential: serialiseCredential(credential) },
        ...{ scope: ['service_account/accounts/manage'], delegatedScope: ['read_only'] },
      }),
    )
    id = connected.id
    const google = await providers.open({ googleSandboxUrl: new URL(sandbox.google.url), timeoutMs: 10_000 })
    states = new ServiceAccountStates(db.database, clock)
    const callbacks = { beginFirst: async () => null, deliverAtOnce: async () => false } as unknown as DeliverCallback
    mint = new MintAccess(db.database, clock, accounts, states, google, random, callbacks, doorbell, log)
    probe = new ProbeServiceAccounts(db.database, accounts, states, new FindSomeMailbox(), google, random, log)
  })
  afterAll(() => sandbox?.stop())

  // biome-ignore lint/suspicious/noExplicitAny: rows of every table
  const sql = (text: string, values: unknown[] = []) => db.database.read((em) => em.execute<any[]>(text, values))
  const delegate = () => sandbox.google.mutate('add-delegation', { clientId: credential.clientId, scopes })
  const undelegate = () => sandbox.google.mutate('remove-delegation', { clientId: credential.clientId })
  const account = async () => (await db.database.read((em) => accounts.find(em, id)))!
  const state = async () => {
    const { state, reason } = stateOf(await account())
    return [state, reason]
  }
  const events = async () =>
    (await sql('select type, data from client_events order by created_at')).map(({ type, data }) => [type, data.reason])
  const acts = async (like: string) =>
    (await sql('select act, reason from audit_arrivals where act like ? order by id', [like])).map(
      ({ act, reason }) => [act, reason],
    )
  const requestFor = async (email: string) => {
    const request = `dar_${email}`
    await sql(
      `insert into delegated_access_requests
         (id, client_id, service_account_id, fingerprint, email, callback_url, callback_host, scope, decision,
         callback, created_at)
       values (?, 'cli_1', ?, '', ?, 'https://client.test', 'client.test', '{read_only}', 'pending', 'waiting', ?)`,
      [request, id, email, clock.now()],
    )
    return request
  }
  const request = async (email: string) =>
    (await sql('select * from delegated_access_requests where id = ?', [`dar_${email}`]))[0]
  const tokenCalls = () => sandbox.google.journal.list().filter(({ path }) => path === '/token').length
  const sweep = () => new SweepRequests(db.database, clock, doorbell, log).sweep()
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

  it('fails when its consent is revoked, holds requests, and heals by itself when it is given again', async () => {
    const anna = await requestFor('anna@acme.test')
    await mint.mint(anna)
    expect(await request('anna@acme.test')).toMatchObject({ decision: 'granted' })

    undelegate()
    const ben = await requestFor('ben@acme.test')
    expect(await mint.mint(ben)).toEqual(new Date(clock.now().getTime() + seconds(5)))
    expect(await probe.probeDue()).toBe(1)
    expect(await state()).toEqual(['failing', 'google.delegation_missing'])
    expect(await events()).toEqual([['service_account.failing', 'google.delegation_missing']])

    // From here on nobody is asked for single mailboxes.
    const calls = tokenCalls()
    expect(await mint.mint(ben)).toBeNull()
    const carla = await requestFor('carla@acme.example')
    expect(await mint.mint(carla)).toBeNull()
    expect(tokenCalls()).toBe(calls)
    for (const email of ['ben@acme.test', 'carla@acme.example']) {
      const { decision, ring_at, created_at } = await request(email)
      expect([decision, Date.parse(ring_at) - Date.parse(created_at)]).toEqual(['pending', days(3)])
    }

    const waits: number[] = []
    for (let n = 0; n < 5; n++) {
      const wait = (await account()).probeAt!.getTime() - clock.now().getTime()
      waits.push(wait)
      await pass(wait - 1)
      expect(await probe.probeDue()).toBe(0)
      await pass(1)
      if (n === 4) delegate()
      expect(await probe.probeDue()).toBe(1)
    }
    expect(waits).toEqual([...PROBE_AGAIN_AFTER, hours(24)])
    expect(await state()).toEqual(['active', null])
    expect((await account()).probeAt ?? null).toBeNull()
    expect(await events()).toEqual([
      ['service_account.failing', 'google.delegation_missing'],
      ['service_account.active', null],
    ])
    expect(await acts('service_account.%')).toEqual(await events())

    // These two, and the callback for Anna.
    expect(await sweep()).toBe(3)
    for (const waiting of [ben, carla]) expect(await mint.mint(waiting)).toBeNull()
    for (const email of ['ben@acme.test', 'carla@acme.example'])
      expect(await request(email)).toMatchObject({ decision: 'granted' })
    expect(await sql('select id from grants where revoked_at is not null')).toEqual([])
    await sweep()
    expect((await account()).holdsRequests).toBe(false)
  })

  it('is told of what it waited for when its patience ends', async () => {
    undelegate()
    const ben = await requestFor('ben@acme.test')
    await mint.mint(ben)
    await probe.probeDue()
    await mint.mint(ben)
    await pass(days(3))
    expect(await mint.mint(ben)).toBeNull()
    expect(await request('ben@acme.test')).toMatchObject({
      ...{ decision: 'denied', error_key: 'google.delegation_missing' },
      error_description: expect.stringContaining('Domain-wide delegation'),
    })
  })

  it.each<[string, () => unknown]>([
    ['is suspended', () => sandbox.google.mutate('suspend-user', { email: 'ben@acme.test' })],
    [
      'has never signed in, of which Google says the same as of a missing scope',
      () =>
        sandbox.google.faults.add({
          ...{ path: '/token', times: 1 },
          answer: {
            status: 401,
            json: { error: 'access_denied', error_description: 'Requested client not authorized.' },
          },
        }),
    ],
  ])('stays as it is when one person %s', async (_what, happens) => {
    happens()
    const ben = await requestFor('ben@acme.test')
    await mint.mint(ben)
    await probe.probeDue()
    expect(await state()).toEqual(['active', null])
    expect(await events()).toEqual([])
    sandbox.google.mutate('restore-user', { email: 'ben@acme.test' })
  })

  it('lets a person who has never signed in wait, while it works for others', async () => {
    const never = {
      path: '/token',
      answer: { status: 401, json: { error: 'access_denied', error_description: 'Requested client not authorized.' } },
    }
    const ben = await requestFor('ben@acme.test')
    sandbox.google.faults.add({ ...never, times: 1 })
    const again = await mint.mint(ben)
    await probe.probeDue()
    clock.advance(again!.getTime() - clock.now().getTime())
    sandbox.google.faults.add({ ...never, times: 1 })
    expect(await mint.mint(ben)).not.toBeNull()
    expect(await request('ben@acme.test')).toMatchObject({ decision: 'pending' })
    // That a probe has found it well does not stand for what is refused from now on.
    undelegate()
    expect(await mint.mint(ben)).not.toBeNull()
    await pass(minutes(1))
    await probe.probeDue()
    expect(await state()).toEqual(['failing', 'google.delegation_missing'])
    expect(await mint.mint(ben)).toBeNull()
    expect(await request('ben@acme.test')).toMatchObject({ decision: 'pending' })
    delegate()
    await pass(PROBE_AGAIN_AFTER[0])
    await probe.probeDue()
    expect(await mint.mint(ben)).toBeNull()
    expect(await request('ben@acme.test')).toMatchObject({ decision: 'granted' })
  })

  it('is degraded by an outage of some minutes, not by a moment, and ends nothing', async () => {
    const down = { path: '/token', answer: { status: 503, text: 'away' } }
    sandbox.google.faults.add(down)
    const anna = await requestFor('anna@acme.test')
    expect(await mint.mint(anna)).not.toBeNull()
    expect(await probe.probeDue()).toBe(0)
    await pass(OUTAGE_COUNTS_AFTER)
    expect(await probe.probeDue()).toBe(1)
    expect(await state()).toEqual(['degraded', 'provider.unavailable'])
    // What is asked for meanwhile is asked on, and the first that works brings a probe.
    expect(await mint.mint(anna)).not.toBeNull()
    sandbox.google.faults.clear()
    await pass(minutes(5))
    expect(await mint.mint(anna)).toBeNull()
    expect(await probe.probeDue()).toBe(1)
    expect(await state()).toEqual(['active', null])
    expect((await events()).map(([type]) => type)).toEqual(['service_account.degraded', 'service_account.active'])
  })

  it('is left as it is by "slow down", and looked at again', async () => {
    await states.refused(await account(), Object.assign(new Error(), { facts: { key: 'provider.throttled' } }) as never)
    expect((await account()).probeAt ?? null).toBeNull()
    await sql('update service_accounts set probe_at = ?', [clock.now()])
    sandbox.google.faults.add({ path: '/token', answer: { status: 429, json: { error: 'rate_limit_exceeded' } } })
    expect(await probe.probeDue()).toBe(1)
    expect(await state()).toEqual(['active', null])
    expect((await account()).probeAt).toEqual(new Date(clock.now().getTime() + OUTAGE_COUNTS_AFTER))
  })

  it('denies no request because of a probe that was not answered', async () => {
    const ben = await requestFor('ben@acme.test')
    const refused = { status: 401, json: { error: 'unauthorized_client', error_description: 'Unauthorized client.' } }
    sandbox.google.faults.add({ path: '/token', times: 1, answer: refused })
    await mint.mint(ben)
    sandbox.google.faults.add({ path: '/token', times: 1, answer: { status: 503, text: 'away' } })
    await probe.probeDue()
    expect(await state()).toEqual(['degraded', 'provider.unavailable'])
    sandbox.google.faults.add({ path: '/token', times: 1, answer: refused })
    expect(await mint.mint(ben)).not.toBeNull()
    expect(await request('ben@acme.test')).toMatchObject({ decision: 'pending' })
  })

  it('denies a request that alone is refused, once a probe has found that others are not', async () => {
    const ben = await requestFor('ben@acme.test')
    const refused = { status: 403, json: { error: { code: 403, errors: [{ reason: 'domainPolicy' }] } } }
    sandbox.google.faults.add({ path: '/calendar/*', times: 1, answer: refused })
    await mint.mint(ben)
    await probe.probeDue()
    expect(await state()).toEqual(['active', null])
    sandbox.google.faults.add({ path: '/calendar/*', times: 1, answer: refused })
    clock.advance(seconds(5))
    expect(await mint.mint(ben)).toBeNull()
    expect(await request('ben@acme.test')).toMatchObject({ decision: 'denied', error_key: 'google.domain_policy' })
  })

  it('stays in its turn while the provider says "slow down": nothing was found out', async () => {
    undelegate()
    await sql('update service_accounts set probe_at = ?', [clock.now()])
    await probe.probeDue()
    await pass(PROBE_AGAIN_AFTER[0])
    sandbox.google.faults.add({ path: '/token', answer: { status: 429, json: { error: 'rate_limit_exceeded' } } })
    expect(await probe.probeDue()).toBe(1)
    expect(await state()).toEqual(['failing', 'google.delegation_missing'])
    const { failedProbes, probeAt } = await account()
    expect([failedProbes, probeAt!.getTime() - clock.now().getTime()]).toEqual([1, OUTAGE_COUNTS_AFTER])
  })

  it('is probed sooner for what is news about it, and for nothing else', async () => {
    const found = async (state: string, reason: string, say: 'worked' | 'foundWell') => {
      const later = new Date(clock.now().getTime() + hours(6))
      const values = [state, reason, later, clock.now()]
      await sql('update service_accounts set state = ?, state_reason = ?, probe_at = ?, probed_at = ?', values)
      await states[say](await account())
      const { probeAt } = await account()
      return probeAt!.getTime() === later.getTime() ? null : probeAt!.getTime() - clock.now().getTime()
    }
    expect(await found('degraded', 'provider.unavailable', 'worked')).toBe(minutes(5))
    expect(await found('degraded', 'google.delegation_scope_missing', 'worked')).toBeNull()
    expect(await found('failing', 'google.delegation_missing', 'worked')).toBeNull()
    expect(await found('failing', 'google.delegation_missing', 'foundWell')).toBe(minutes(1))
  })

  it('is degraded when the delegation holds some of its scopes only, and requests that need the others are denied', async () => {
    sandbox.google.mutate('remove-delegation-scope', { clientId: credential.clientId, scope: scopes[0] })
    const ben = await requestFor('ben@acme.test')
    const again = await mint.mint(ben)
    await probe.probeDue()
    expect(await state()).toEqual(['degraded', 'google.delegation_scope_missing'])
    clock.advance(again!.getTime() - clock.now().getTime())
    expect(await mint.mint(ben)).toBeNull()
    expect(await request('ben@acme.test')).toMatchObject({ decision: 'denied', error: 'unable_to_grant_scope' })
  })

  it('is probed by one process at a time, again when that one died, and by none when it is revoked', async () => {
    await sql('update service_accounts set probe_at = ?', [clock.now()])
    const [claims, others] = [await states.claimProbes(10), await states.claimProbes(10)]
    expect([claims.length, others.length]).toEqual([1, 0])
    await states.refused(await account(), Object.assign(new Error(), { facts: { key: 'x', class: 'fatal' } }) as never)
    expect(await states.claimProbes(10)).toEqual([])

    clock.advance(PROBE_LEASE + 1)
    const [second] = await states.claimProbes(10)
    expect(await states.recordProbe(claims[0]!, 'failing', 'google.credential_key_invalid')).toBeNull()
    expect(await state()).toEqual(['active', null])
    expect(await states.recordProbe(second!, 'failing', 'google.credential_key_invalid')).toMatchObject({
      state: 'failing',
      earlier: 'active',
    })

    await sql('update service_accounts set revoked_at = ?, probe_at = ?', [clock.now(), clock.now()])
    expect(await states.claimProbes(10)).toEqual([])
    expect((await state())[0]).toBe('revoked')
  })

  it('that is consented to again is probed at once, and what was being found out about it before is dropped', async () => {
    sandbox.google.mutate('disable-key', { serviceAccount: credential.clientEmail })
    await sql('update service_accounts set probe_at = ?', [clock.now()])
    await probe.probeDue()
    expect(await state()).toEqual(['failing', 'google.credential_key_invalid'])
    await sql('update service_accounts set probe_at = ?', [clock.now()])
    const [late] = await states.claimProbes(10)

    const renewed = (await sandbox.google.mutate('create-key', { serviceAccount: credential.clientEmail })) as object
    await db.database.inTransaction(async (tx) => {
      const { clientId, provider, organisationId, organisationName, domains, administratorEmail } = await account()
      await accounts.connect(tx, {
        ...{ clientId, provider, organisationId, organisationName, domains, administratorEmail },
        ...{ credentialSource: 'customer', scope: ['service_account/accounts/manage'], delegatedScope: ['read_only'] },
        credential: serialiseCredential(readGoogleKeyFile(JSON.stringify(renewed))),
      })
    })
    expect(await states.recordProbe(late!, 'failing', 'google.credential_key_invalid')).toBeNull()
    expect(await probe.probeDue()).toBe(1)
    expect(await state()).toEqual(['active', null])
    sandbox.google.mutate('enable-key', { serviceAccount: credential.clientEmail })

    const expiresAt = new Date(clock.now().getTime() + days(5))
    await db.database.inTransaction((tx) => accounts.setCredentialExpiry(tx, id, expiresAt))
    expect(await new WarnOfExpiry(db.database, clock, log).warn()).toBe(1)
    expect((await account()).warnedDays).toBe(7)
    const past = db.database.inTransaction((tx) => accounts.setCredentialExpiry(tx, id, clock.now()))
    await expect(past).rejects.toMatchObject({ problems: { credential_expires_at: [{ key: 'errors.invalid' }] } })

    // The way back: both change places, and it is tried at once.
    const rollBack = () => db.database.inTransaction((tx) => accounts.rollBackCredential(tx, id))
    const inUse = async () =>
      (await accounts.newestCredentialWithSecret(db.database, await account())).credential.reveal()
    const newer = await inUse()
    await rollBack()
    expect(await inUse()).toBe(serialiseCredential(credential).reveal())
    expect((await account()).credentialExpiresAt ?? null).toBeNull()
    expect(await probe.probeDue()).toBe(1)
    await rollBack()
    expect(await inUse()).toBe(newer)
    expect((await account()).credentialExpiresAt).toEqual(expiresAt)
  })
})
