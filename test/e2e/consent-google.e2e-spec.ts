import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { type ConsentStage, openConsentStage, type StageClient } from './consent-stage.js'
import { addDelegation, ConsentVisit, hasButton, linesOf, textOf } from './consent-visit.js'

const REDIRECT_URI = 'https://app.acme-scheduler.test/connected?tenant=7'
const EVENTS = 'https://www.googleapis.com/auth/calendar.events'

describe("an administrator's consent at Google", () => {
  const database = testDatabase()
  let stage: ConsentStage
  let client: StageClient

  beforeAll(async () => {
    stage = await openConsentStage(database.url)
    client = await stage.addClient('Acme Scheduler', REDIRECT_URI)
    await stage.setOperatorCredentials()
  })
  afterAll(() => stage.close())
  afterEach(() => stage.sandbox.google.faults.clear())

  const visitUntilInstructions = async () => {
    const visit = new ConsentVisit(stage, client)
    return { visit, instructions: await visit.browser.submit(await visit.begin(), 'Continue with Google Workspace') }
  }
  const authorise = async (email = 'admin@acme.test') => {
    const { visit, instructions } = await visitUntilInstructions()
    addDelegation(stage, instructions)
    const check = await visit.continueAtGoogle(instructions, email)
    return { visit, check }
  }

  it('ends at the client with a code, the state as it was, and who answered', async () => {
    const { visit, check } = await authorise()
    const decision = await visit.goOn(check)
    expect(textOf(decision)).toMatch(/Allow Acme Scheduler\?/)
    expect(textOf(decision)).toMatch(/acme\.test/)
    expect(textOf(decision)).toMatch(/admin@acme\.test/)

    const { url } = await visit.browser.submit(decision, 'Allow Acme Scheduler')
    expect(url.href).toMatch(/^https:\/\/app\.acme-scheduler\.test\/connected\?tenant=7&code=[\w-]{32}&/)
    expect(url.searchParams.get('state')).toBe('a b+c&d=é')
    expect(url.searchParams.get('iss')).toBe(stage.url)

    const token = await exchange(url.searchParams.get('code')!)
    expect(token).toMatchObject({ scope: 'service_account/accounts/manage service_account/resources/manage' })
    const [account] = await stage.sql('select * from service_accounts where id = $1', [token.service_account_id])
    expect(account).toMatchObject({
      client_id: client.id,
      provider: 'google',
      organisation_id: 'C01abc234',
      domains: expect.arrayContaining(['acme.test', 'acme.example']),
      administrator_email: 'admin@acme.test',
      credential_source: 'operator',
      sealed_credential: null,
      delegated_scope: ['read_events', 'create_event'],
    })
  })

  it('renews the same service account when it is given again', async () => {
    const ids = []
    for (const _ of [1, 2]) {
      const { visit, check } = await authorise()
      const { url } = await visit.browser.submit(await visit.goOn(check), 'Allow Acme Scheduler')
      ids.push((await exchange(url.searchParams.get('code')!)).service_account_id)
    }
    expect(ids[0]).toBe(ids[1])
  })

  it('tells the client access_denied when the administrator denies, on the first page or the last', async () => {
    const early = new ConsentVisit(stage, client)
    const { url } = await early.browser.submit(await early.begin(), 'Deny and return to Acme Scheduler')
    expect(Object.fromEntries(url.searchParams)).toEqual({
      tenant: '7',
      error: 'access_denied',
      error_description: 'The administrator denied the request.',
      iss: stage.url,
      state: 'a b+c&d=é',
    })

    const { visit, check } = await authorise()
    const late = await visit.browser.submit(await visit.goOn(check), 'Deny Acme Scheduler')
    expect(late.url.searchParams.get('error')).toBe('access_denied')
    expect(late.url.searchParams.get('code')).toBeNull()
  })

  it('names each scope that the delegation lacks, and goes on after it was added', async () => {
    const { visit, instructions } = await visitUntilInstructions()
    addDelegation(stage, instructions, 'acme.test', EVENTS)
    const check = await visit.continueAtGoogle(instructions, 'admin@acme.test')
    expect(linesOf(check).filter(([, outcome]) => outcome === 'Does not work')).toEqual([
      ['Create, change and delete events', 'Does not work'],
    ])
    expect(textOf(check)).toMatch(/google\.delegation_/)
    expect(textOf(check)).toContain(EVENTS)
    expect(hasButton(check, 'Go on to the decision')).toBe(false)

    addDelegation(stage, instructions)
    const again = await visit.browser.open(check.url)
    expect(linesOf(again).every(([, outcome]) => outcome === 'Works')).toBe(true)
    expect(hasButton(again, 'Go on to the decision')).toBe(true)
  })

  it('does not let a person without the role of an administrator speak for the organisation', async () => {
    const { check } = await authorise('anna@acme.test')
    expect(textOf(check)).toMatch(/administrator/)
    expect(hasButton(check, 'Go on to the decision')).toBe(false)
  })

  it('does not let an administrator speak for an organisation that has delegated nothing', async () => {
    const { check } = await authorise('admin@globex.test')
    expect(hasButton(check, 'Go on to the decision')).toBe(false)
  })

  it('lets an administrator speak for the own organisation and for no other, whoever has delegated', async () => {
    const { visit, instructions } = await visitUntilInstructions()
    for (const organisation of ['acme.test', 'globex.test']) addDelegation(stage, instructions, organisation)
    const check = await visit.continueAtGoogle(instructions, 'admin@globex.test')
    const decision = await visit.goOn(check)
    expect(textOf(decision)).toContain('globex.test')
    expect(textOf(decision)).not.toContain('acme.test')
    const { url } = await visit.browser.submit(decision, 'Allow Acme Scheduler')
    const { service_account_id } = await exchange(url.searchParams.get('code')!)
    const [account] = await stage.sql('select * from service_accounts where id = $1', [service_account_id])
    expect(account).toMatchObject({ organisation_id: 'C09xyz876', domains: ['globex.test'] })
    stage.sandbox.google.mutate('remove-delegation', {
      clientId: stage.operator.googleKeyFile.client_id,
      organisation: 'globex.test',
    })
  })

  it('shows a personal account the door', async () => {
    const { check } = await authorise('pat.private@gmail.com')
    expect(check.status).toBe(403)
    expect(textOf(check)).toContain('That is a personal account')
    expect(textOf(check)).toContain('Nothing was changed.')
  })

  it('says so when the sign-in is cancelled, and can be gone on with', async () => {
    const { visit, instructions } = await visitUntilInstructions()
    // Nobody but a newcomer is asked for consent, and so has something to cancel.
    stage.sandbox.google.mutate('revoke-consent', { email: 'ben@acme.test' })
    const accounts = await visit.browser.submit(instructions, 'I have added it: sign in and check')
    const consent = await visit.browser.submit(accounts, /ben@acme\.test/)
    const ending = await visit.browser.submit(consent, 'Cancel')
    expect(textOf(ending)).toContain('You did not sign in')
    const back = await visit.browser.open(linkIn(ending.document.toString(), '/now'))
    expect(back.url.pathname).toMatch(/\/prepare$/)
  })

  it('keeps an outage apart from a refusal', async () => {
    const { visit, instructions } = await visitUntilInstructions()
    addDelegation(stage, instructions)
    stage.sandbox.google.faults.add({ path: '/calendar/*', answer: { status: 503 } })
    const check = await visit.continueAtGoogle(instructions, 'admin@acme.test')
    expect(textOf(check)).toContain('Google did not answer')
    expect(textOf(check)).not.toContain('Does not work')
    stage.sandbox.google.faults.clear()
    expect(hasButton(await visit.browser.open(check.url), 'Go on to the decision')).toBe(true)
  })

  it('says what it is waiting for when an answer takes longer than a second', async () => {
    const { visit, instructions } = await visitUntilInstructions()
    addDelegation(stage, instructions)
    stage.sandbox.google.faults.add({ path: '/calendar/*', delayMs: 1_200 })
    const check = await visit.continueAtGoogle(instructions, 'admin@acme.test')
    expect(textOf(check)).toContain('Waiting for Google to answer')
    expect(hasButton(check, 'Go on to the decision')).toBe(true)
  })

  describe('with a key of its own', () => {
    const bring = async (fields: Record<string, string | Blob>) => {
      const visit = new ConsentVisit(stage, client)
      const form = await visit.browser.submit(await visit.begin(), 'Use our own Google service account')
      return { visit, page: await visit.browser.submit(form, 'Check what I entered', fields) }
    }
    const ownKey = async () => {
      const account = { email: `own-${Date.now()}@acme-own.iam.gserviceaccount.com` }
      const keyFile = (await stage.sandbox.google.mutate('create-service-account', account)) as { client_id: string }
      return keyFile
    }
    const delegate = (clientId: string) =>
      stage.sandbox.google.mutate('add-delegation', {
        clientId,
        organisation: 'acme.test',
        scopes: [
          'calendar.calendarlist.readonly',
          'calendar.freebusy',
          'calendar.events.readonly',
          'calendar.events',
          'userinfo.email',
          'admin.directory.user.readonly',
          'admin.directory.domain.readonly',
          'admin.directory.resource.calendar.readonly',
        ].map((scope) => `https://www.googleapis.com/auth/${scope}`),
      })

    it('probes it, keeps it sealed, and acts with it', async () => {
      const keyFile = await ownKey()
      delegate(keyFile.client_id)
      const file = new Blob([JSON.stringify(keyFile)], { type: 'application/json' })
      const { visit, page } = await bring({ key_file: file, mailbox: 'admin@acme.test' })
      const { url } = await visit.browser.submit(await visit.goOn(page), 'Allow Acme Scheduler')
      const { service_account_id } = await exchange(url.searchParams.get('code')!)
      const [account] = await stage.sql('select * from service_accounts where id = $1', [service_account_id])
      expect(account).toMatchObject({ credential_source: 'customer', organisation_id: 'C01abc234' })
      expect(account!.sealed_credential).toMatch(/^v1\./)
      const left = await stage.sql(
        'select id from consents where sealed_credential is not null and ended_at is not null',
      )
      expect(left).toEqual([])
    })

    it('keeps what was entered, but the key, when something is wrong', async () => {
      const keyFile = await ownKey()
      const { visit, page } = await bring({ key_text: JSON.stringify(keyFile), mailbox: 'not an address' })
      expect(page.status).toBe(422)
      expect(textOf(page)).toContain('Enter a full e-mail address')
      expect(page.document.querySelector('#mailbox')!.getAttribute('value')).toBe('not an address')
      expect(page.document.toString()).not.toContain('PRIVATE KEY')

      // The key need not be given again.
      delegate(keyFile.client_id)
      const check = await visit.browser.submit(page, 'Check what I entered', { mailbox: 'admin@acme.test' })
      expect(hasButton(check, 'Go on to the decision')).toBe(true)
    })

    it.each([
      ['no key at all', {}, /Choose the key file/],
      ['something that is no JSON', { key_text: 'not json' }, /not a JSON file/],
      [
        'a credential that names where to send tokens',
        { key_text: JSON.stringify({ type: 'external_account', token_url: 'http://169.254.169.254/' }) },
        /service_account/,
      ],
      ['both a file and a text', { key_text: '{}', key_file: new Blob(['{}']) }, /not both/],
    ])('refuses %s beside the field', async (_case, fields, complaint) => {
      const { page } = await bring({ mailbox: 'admin@acme.test', ...fields })
      expect(page.status).toBe(422)
      expect(textOf(page)).toMatch(complaint)
    })

    it('answers a file that is too large with a page', async () => {
      const { page } = await bring({ key_file: new Blob(['x'.repeat(100_000)]), mailbox: 'admin@acme.test' })
      expect(page.status).toBe(413)
      expect(textOf(page)).toContain('We could not read this')
    })

    it('shows the exact reason when Google refuses it', async () => {
      const keyFile = await ownKey()
      const { page } = await bring({ key_text: JSON.stringify(keyFile), mailbox: 'admin@acme.test' })
      expect(textOf(page)).toContain('google.delegation_missing')
      expect(textOf(page)).toContain(keyFile.client_id)
      expect(textOf(page)).toContain('Change what I entered')
    })
  })

  it('leaves no secret in the log', () => {
    const log = stage.logged.join('')
    const { googleKeyFile, googleClient } = stage.operator
    for (const secret of [googleKeyFile.private_key.slice(40, 80), googleClient.clientSecret, 'a b+c&d', 'a+b%2Bc'])
      expect(log).not.toContain(secret)
    expect(log).not.toMatch(/code=|state=/)
  })

  async function exchange(code: string): Promise<Record<string, string>> {
    const answer = await fetch(`${stage.url}/oauth/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        grant_type: 'authorization_code',
        client_id: client.id,
        client_secret: client.secret,
        code,
        redirect_uri: REDIRECT_URI,
      }),
    })
    expect(answer.status).toBe(200)
    return (await answer.json()) as Record<string, string>
  }

  const linkIn = (html: string, ending: string) =>
    new URL(new RegExp(`href="([^"]*${ending})"`).exec(html)![1]!, stage.url)
})
