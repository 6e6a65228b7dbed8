import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { until } from '#platform/testing/until.js'
import type { Answer, Client, OrganisationName, ServiceAccount } from './public-api.js'
import { type Queue, queuesOfThisMachine } from './queue-store.js'
import { Stage, told } from './stage.js'

const LOVELACE = 'c_1884lovelace0board0room@resource.calendar.google.com'

describe.each<Queue>(queuesOfThisMachine())('the main path, its queue on %s:', (queue) => {
  const { url: databaseUrl } = testDatabase()
  let stage: Stage
  let client: Client
  let accounts: Record<OrganisationName, ServiceAccount>

  beforeAll(async () => {
    stage = await Stage.open(databaseUrl, {
      queue,
      settings: { MANDATE_PROVIDER_TIMEOUT_SECONDS: '2' },
      mailboxes: 3,
    })
    client = await stage.api.addClient('Scheduler')
    const rival = await stage.api.addClient('Rival')
    accounts = {
      acme: await stage.api.authorise(client, 'acme'),
      initech: await stage.api.authorise(client, 'initech'),
      // Both have thereby granted access to the same credentials of the operator.
      globex: await stage.api.authorise(rival, 'globex'),
      umbrella: await stage.api.authorise(rival, 'umbrella'),
    }
  })
  afterAll(() => stage?.close())

  const exchange = (code: string | undefined, by: Client) => stage.api.exchange(by, code ?? '', stage.callbackUrl)

  it('hands out codes that are exchanged inside the callback handler, and tokens that read that very calendar', async () => {
    const [atGoogle, atMicrosoft] = [
      ['anna@acme.test', 'carla@acme.example', LOVELACE],
      ['milton@initech.test', 'bill@initech.test', 'room.apollo@initech.test'],
    ]
    const exchanged = new Map<string, Answer>()
    const stopListening = stage.receiver.onDelivery(async (delivery) => {
      const { code, state } = told(delivery)
      exchanged.set(state ?? '', await exchange(code, client))
    })
    const asked = (email: string) => ({ email, state: `read ${email}` })
    await stage.ask(accounts.acme, ...atGoogle.map(asked))
    await stage.ask(accounts.initech, ...atMicrosoft.map(asked))
    const tokens = (email: string) => until(`tokens for ${email}`, () => exchanged.get(`read ${email}`))

    for (const email of [...atGoogle, ...atMicrosoft]) {
      const { status, json } = await tokens(email)
      expect(status).toBe(200)
      expect(json).toMatchObject({ scope: 'read_only', linking_profile: { profile_name: email } })
    }
    stopListening()

    for (const email of atGoogle) {
      const { access_token: token } = (await tokens(email)).json
      const path = `/v1/proxy/google/calendar/v3/calendars/${encodeURIComponent(email)}/events`
      const { status, json } = await stage.api.call('GET', path, { token })
      expect(status).toBe(200)
      expect(json.items.length).toBeGreaterThan(0)
    }
    for (const email of atMicrosoft) {
      const { access_token: token } = (await tokens(email)).json
      const { json } = await stage.api.call('GET', '/v1/proxy/microsoft/v1.0/me/calendar', { token })
      expect(json.owner.address).toBe(email)
    }
  })

  it.each<[OrganisationName, string, string, RegExp]>([
    ['acme', 'suspended@acme.test', 'google.subject_suspended', /Reactivate the user in the Admin console/],
    ['acme', 'nocalendar@acme.test', 'google.calendar_service_off', /Turn the Calendar service on/],
    ['acme', 'stranger@acme.test', 'google.subject_not_found', /Check the address/],
    ['acme', 'c_none@resource.calendar.google.com', 'google.room_not_found', /Buildings and resources/],
    ['acme', 'someone@elsewhere.test', 'google.mailbox_outside_organisation', /Ask only for mailboxes of/],
    ['initech', 'disabled@initech.test', 'microsoft.user_disabled', /Enable the user/],
    ['initech', 'excluded@initech.test', 'microsoft.mailbox_excluded_by_policy', /security group/],
    ['initech', 'nomailbox@initech.test', 'microsoft.mailbox_not_found', /Assign an Exchange Online licence/],
    ['initech', 'stranger@initech.test', 'microsoft.user_not_found', /Check the address/],
  ])('%s is told that it does not get %s: %s, and what to do', async (organisation, email, key, fix) => {
    const state = `denied ${email}`
    const [id] = await stage.ask(accounts[organisation], { email, state })
    expect(await stage.told(state)).toEqual({
      error: 'access_denied',
      error_key: key,
      error_description: expect.stringMatching(fix),
      state,
    })
    const shown = await stage.requestOnce('delivered', accounts[organisation], id!)
    expect(shown).toMatchObject({ status: 'denied', error_key: key, account_id: null, attempts: 1 })
  })

  it.each<[OrganisationName, OrganisationName, string, 'google' | 'microsoft']>([
    ['acme', 'globex', 'greg@globex.test', 'google'],
    ['acme', 'globex', 'c_1990globex0room@resource.calendar.google.com', 'google'],
    ['initech', 'umbrella', 'ursula@umbrella.test', 'microsoft'],
    ['initech', 'umbrella', 'room.hive@umbrella.test', 'microsoft'],
  ])('%s does not reach what %s has granted another client: %s', async (ours, theirs, email, provider) => {
    await stage.ask(accounts[theirs], { email, state: `owner of ${email}` })
    expect(await stage.told(`owner of ${email}`)).toHaveProperty('code')

    const { journal } = stage.sandbox[provider]
    journal.clear()
    await stage.ask(accounts[ours], { email, state: `thief of ${email}` })
    const refused = await stage.told(`thief of ${email}`)
    const isRoomAtGoogle = email.startsWith('c_')
    expect(refused.code).toBeUndefined()
    expect(refused.error_key).toBe(
      isRoomAtGoogle ? 'google.room_not_found' : `${provider}.mailbox_outside_organisation`,
    )
    expect(journal.list({ subject: email })).toEqual([])
  })

  it('shows a request to nobody but its own client, whose code only that client can exchange', async () => {
    const [id] = await stage.ask(accounts.acme, { email: 'ben@acme.test', state: 'ours' })
    const { code } = await stage.told('ours')
    const { accessToken: token, client: rival } = accounts.globex
    const path = `/v1/service_account_authorizations/${id}`

    for (const [method, target] of [
      ['GET', path],
      ['POST', `${path}/redeliver`],
      ['POST', `${path}/cancel`],
    ] as const) {
      const { status, json } = await stage.api.call(method, target, { token })
      expect({ status, error: json.error }).toEqual({ status: 404, error: 'not_found' })
    }
    const list = await stage.api.must('GET', '/v1/service_account_authorizations?limit=100', { token })
    expect(JSON.stringify(list)).not.toContain(id)
    expect(list.service_account_authorizations.length).toBeGreaterThan(0)

    expect((await exchange(code, rival)).json.error).toBe('invalid_grant')
    expect((await exchange(code, client)).status).toBe(200)
  })

  describe('a person at Google', () => {
    const change = (mutation: string, input: Record<string, unknown>) => stage.sandbox.google.mutate(mutation, input)
    const grant = async (email: string, state: string) => {
      await stage.ask(accounts.acme, { email, state })
      return (await exchange((await stage.told(state)).code, client)).json
    }
    const events = (token: string) =>
      stage.api.call('GET', '/v1/proxy/google/calendar/v3/calendars/primary/events', { token })

    it('is one account under every address, and goes by the primary one', async () => {
      change('create-user', { email: 'dora@acme.test', aliases: ['dora.d@acme.test'] })
      const { access_token: token, sub } = await grant('dora@acme.test', 'dora')
      change('rename-user', { email: 'dora@acme.test', to: 'doris@acme.example' })
      for (const email of ['doris@acme.example', 'dora.d@acme.test'])
        expect(await grant(email, `renamed ${email}`)).toMatchObject({
          sub,
          linking_profile: { profile_name: 'doris@acme.example' },
        })
      expect((await events(token)).status).toBe(200)
    })

    it('who has got the address of another is not taken for that other, in the callback or on the proxy', async () => {
      change('create-user', { email: 'frida@acme.test' })
      const { access_token: token, sub } = await grant('frida@acme.test', 'the first Frida')
      change('delete-user', { email: 'frida@acme.test' })
      change('create-user', { email: 'frida@acme.test' })

      await stage.ask(accounts.acme, { email: 'frida@acme.test', state: 'the second Frida' })
      expect(await stage.told('the second Frida')).toMatchObject({
        error: 'access_denied',
        error_key: 'grant.mailbox_reassigned',
        error_description: expect.stringMatching(/belongs to another person now.* revoke/),
      })
      expect(await events(token)).toMatchObject({ status: 403, json: { error: 'grant.mailbox_reassigned' } })

      await stage.api.revoke(client, { sub })
      expect((await grant('frida@acme.test', 'the second Frida, asked for anew')).sub).not.toBe(sub)
    })
  })

  describe('the audit', () => {
    const eventsOf = async (query: string) => (await stage.api.audit(`events?limit=1000&${query}`)).events
    const actsOf = (events: { act: string }[]) => events.map(({ act }) => act).sort()

    it('has each act for a mailbox once, with who did it, from where and when', async () => {
      const all = [
        'access.requested',
        'callback.attempted',
        'code.exchanged',
        'code.issued',
        'mailbox.read',
        'mint.granted',
      ]
      const events = await until('every act to be on record', async () => {
        const events = await eventsOf(`mailbox=${encodeURIComponent(LOVELACE)}`)
        return events.length >= all.length && events
      })
      expect(actsOf(events)).toEqual(all)
      const byClient = {
        actor: `client:${client.id}`,
        address: '127.0.0.1',
        request_id: expect.stringMatching(/^req_/),
      }
      const byUs = { actor: 'mandate', address: null, request_id: null }
      for (const event of events) {
        const isOurs = ['callback.attempted', 'code.issued', 'mint.granted'].includes(event.act)
        expect(event).toMatchObject({
          ...(isOurs ? byUs : byClient),
          ...{ client_id: client.id, service_account_id: accounts.acme.id, mailbox: LOVELACE },
        })
      }
    })

    it('says why a mailbox was denied', async () => {
      const events = await eventsOf('mailbox=suspended@acme.test')
      expect(actsOf(events)).toEqual(['access.requested', 'callback.attempted', 'mint.denied'])
      expect(events).toContainEqual(
        expect.objectContaining({
          act: 'mint.denied',
          reason: 'google.subject_suspended',
          subject: expect.any(String),
        }),
      )
    })

    it('has what administrators and the operator did', async () => {
      const events = (await eventsOf(`client=${client.id}`)).filter(({ mailbox }: { mailbox: unknown }) => !mailbox)
      const once = ['code.exchanged', 'code.issued', 'consent.allowed', 'consent.begun']
      expect(actsOf(events)).toEqual(['client.registered', ...once, ...once].sort())
      const [registered] = events
      expect(registered).toMatchObject({
        act: 'client.registered',
        actor: expect.stringMatching(/^admin-key:[\w-]{12}$/),
      })
      const allowed = events.filter(({ act }: { act: string }) => act === 'consent.allowed')
      expect(allowed.map(({ actor }: { actor: string }) => actor).sort()).toEqual([
        'administrator:admin@acme.test',
        'administrator:admin@initech.test',
      ])
      const ofOperator = await eventsOf('client=operator')
      expect(actsOf(ofOperator).filter((act) => act.startsWith('provider'))).toHaveLength(2)
    })

    it('knows who could read a mailbox today, and who did', async () => {
      const today = new Date().toISOString().slice(0, 10)
      const of = (mailbox: string, on: string) =>
        stage.api.audit(`mailboxes/${encodeURIComponent(mailbox)}/readers?on=${on}`)
      expect((await of(LOVELACE, today)).readers).toEqual([
        expect.objectContaining({ client_id: client.id, scope: ['read_only'], ended_at: null, reads: 1, refreshes: 0 }),
      ])
      expect((await of('ben@acme.test', today)).readers).toEqual([
        expect.objectContaining({
          first_token_at: expect.any(String),
          reads: 0,
          last_read_at: null,
          changes: 0,
          provider_tokens: 0,
        }),
      ])
      expect((await of(LOVELACE, '2020-01-01')).readers).toEqual([])
      expect((await of('suspended@acme.test', today)).readers).toEqual([])
    })

    it('is whole', async () => {
      const { intact, chains } = await stage.api.audit('verification')
      expect(intact).toBe(true)
      expect(chains.map((chain: { client: string }) => chain.client)).toEqual(
        [client.id, accounts.globex.client.id, 'operator'].sort(),
      )
    })
  })

  describe('while Google', () => {
    const TROUBLES = [
      { what: 'asks for patience', email: 'user00001@acme.test', fault: { error: 'provider.throttled/retry_after' } },
      { what: 'is down', email: 'user00002@acme.test', fault: { answer: { status: 503, text: 'down' } } },
      { what: 'hangs', email: 'user00003@acme.test', fault: { hang: true as const } },
    ]
    const observed = new Map<string, ReturnType<typeof observe>>()

    /** What is seen of a request while Google cannot answer, and once it can again. */
    async function observe({ email, fault }: (typeof TROUBLES)[number]) {
      const { faults } = stage.sandbox.google
      const { id: faultId } = faults.add({ contains: email, ...fault })
      const [id] = await stage.ask(accounts.acme, { email, state: email })
      await until(`Google to be asked for ${email}`, () =>
        faults.list().some((rule) => rule.id === faultId && rule.hits),
      )
      const meanwhile = { shown: await stage.show(accounts.acme, id!), callbacks: stage.callbacksOf(email).length }
      faults.remove(faultId)
      const told = await stage.told(email)
      return { meanwhile, told, shown: await stage.requestOnce('delivered', accounts.acme, id!) }
    }

    // All at once: each waits for seconds.
    beforeAll(() => {
      for (const trouble of TROUBLES) observed.set(trouble.email, observe(trouble))
    })

    it.each(TROUBLES)('$what, a request stays pending and nothing is said; then it is granted', async ({ email }) => {
      const { meanwhile, told, shown } = await observed.get(email)!
      expect(meanwhile.shown).toMatchObject({ status: 'pending', callback: 'waiting', attempts: 0 })
      expect(meanwhile.callbacks).toBe(0)
      expect(told).toEqual({ code: expect.any(String), state: email })
      expect(shown).toMatchObject({ status: 'granted', attempts: 1 })
    })
  })
})
