import { PFX_PASSWORD, PFX_WITH_AES } from '#domain/providers/microsoft/pfx-for-tests.js'
import { type CertificateWithKey, readPfx } from '#domain/providers/microsoft/read-pfx.js'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { INITECH, UMBRELLA } from '../../apps/sandbox/microsoft/default-seed.js'
import { type ConsentStage, openConsentStage, type StageClient } from './consent-stage.js'
import { ConsentVisit, hasButton, linesOf, textOf } from './consent-visit.js'

const REDIRECT_URI = 'https://app.acme-scheduler.test/connected'

describe("an administrator's consent at Microsoft", () => {
  const database = testDatabase()
  let stage: ConsentStage
  let client: StageClient

  beforeAll(async () => {
    stage = await openConsentStage(database.url)
    client = await stage.addClient('Acme Scheduler', REDIRECT_URI)
    await stage.setOperatorCredentials()
  })
  afterAll(() => stage.close())
  afterEach(() => {
    stage.sandbox.microsoft.faults.clear()
  })

  const accountOf = async (tenantId: string) => {
    const [account] = await stage.sql('select * from service_accounts where organisation_id = $1', [tenantId])
    return account
  }

  it('ends at the client after two screens at Microsoft, the check and Allow', async () => {
    const visit = new ConsentVisit(stage, client)
    const check = await visit.signInAtMicrosoft('admin@initech.test')
    expect(linesOf(check).every(([, outcome]) => outcome === 'Works')).toBe(true)
    const decision = await visit.goOn(check)
    expect(textOf(decision)).toMatch(/Initech/)
    const { url } = await visit.browser.submit(decision, 'Allow Acme Scheduler')
    expect(url.searchParams.get('code')).toMatch(/^[\w-]{32}$/)
    expect(await accountOf(INITECH)).toMatchObject({
      provider: 'microsoft',
      organisation_name: 'Initech',
      administrator_email: 'admin@initech.test',
      credential_source: 'operator',
      domains: expect.arrayContaining(['initech.test']),
    })
  })

  it('does not believe the tenant that a return names', async () => {
    const visit = new ConsentVisit(stage, client)
    const permissions = await visit.untilPermissionsAtMicrosoft('admin@initech.test')
    const { searchParams } = permissions.url
    const forged = new URL(searchParams.get('redirect_uri')!)
    forged.search = `admin_consent=True&tenant=${UMBRELLA}&state=${searchParams.get('state')}`
    const check = await visit.browser.open(forged)
    expect(textOf(check)).not.toContain('Umbrella')
    expect(textOf(check)).toContain('admin@initech.test')
    expect(await accountOf(UMBRELLA)).toBeUndefined()
  })

  it('shows a person without the role that may grant a page, and changes nothing', async () => {
    for (const email of ['milton@initech.test', 'helpdesk@initech.test']) {
      const page = await new ConsentVisit(stage, client).signInAtMicrosoft(email)
      expect(page.url.origin).toBe(stage.url)
      expect(page.status).toBe(403)
      expect(textOf(page)).toContain('That account is not an administrator')
      expect(textOf(page)).toContain(email)
    }
  })

  it('says so when the permissions were declined, and can be gone on with', async () => {
    const visit = new ConsentVisit(stage, client)
    const permissions = await visit.untilPermissionsAtMicrosoft('admin@umbrella.test')
    const ending = await visit.browser.submit(permissions, 'Cancel')
    expect(textOf(ending)).toContain('The permissions were not granted')
    expect(textOf(ending)).toContain('Nothing was changed.')
    const back = await visit.browser.open(
      new URL(ending.document.querySelector('a.button')!.getAttribute('href')!, stage.url),
    )
    expect(hasButton(back, 'Go to Microsoft and sign in')).toBe(true)
  })

  it('lets an administrator without a mailbox name another one', async () => {
    stage.sandbox.microsoft.mutate('set-mailbox', { email: 'admin@initech.test', mailbox: 'none' })
    const visit = new ConsentVisit(stage, client)
    const check = await visit.signInAtMicrosoft('admin@initech.test')
    stage.sandbox.microsoft.mutate('set-mailbox', { email: 'admin@initech.test', mailbox: 'enabled' })
    expect(hasButton(check, 'Go on to the decision')).toBe(false)
    const again = await visit.browser.submit(check, 'Check with this mailbox', { mailbox: 'milton@initech.test' })
    expect(textOf(again)).toContain('The calendar of milton@initech.test can be opened')
    const decision = await visit.goOn(again)
    expect(textOf(decision)).toContain('admin@initech.test')
  })

  it('keeps an outage apart from a refusal', async () => {
    const visit = new ConsentVisit(stage, client)
    const permissions = await visit.untilPermissionsAtMicrosoft('admin@initech.test')
    stage.sandbox.microsoft.faults.add({ path: '/v1.0/*', answer: { status: 503 } })
    const check = await visit.browser.submit(permissions, 'Accept')
    expect(textOf(check)).toContain('Microsoft did not answer')
    stage.sandbox.microsoft.faults.clear()
    expect(hasButton(await visit.browser.open(check.url), 'Go on to the decision')).toBe(true)
  })

  describe('with an app registration of its own', () => {
    const typed = () => ({
      tenant: 'initech.test',
      client_id: stage.operator.microsoftApp.clientId,
      mailbox: 'milton@initech.test',
    })
    const bring = async (fields: Record<string, string | Blob>) => {
      const visit = new ConsentVisit(stage, client)
      const form = await visit.browser.submit(await visit.begin(), 'Use our own app registration')
      return { visit, page: await visit.browser.submit(form, 'Check what I entered', fields) }
    }

    it('works with a client secret, and remembers the day on which it expires', async () => {
      const { clientSecret } = stage.operator.microsoftApp
      const secret = { proof: 'secret', client_secret: clientSecret, secret_expires_on: '2099-01-31' }
      const { visit, page } = await bring({ ...typed(), ...secret })
      const { url } = await visit.browser.submit(await visit.goOn(page), 'Allow Acme Scheduler')
      expect(url.searchParams.get('code')).toMatch(/^[\w-]{32}$/)
      expect(await accountOf(INITECH)).toMatchObject({
        ...{ credential_source: 'customer', organisation_name: 'Initech' },
        credential_expires_at: new Date('2099-01-31T00:00:00Z'),
      })
    })

    it('works with a certificate', async () => {
      const { certificatePem, privateKeyPem } = stage.operator.microsoftApp
      const proof = { proof: 'certificate', certificate: certificatePem, private_key: privateKeyPem }
      const { page } = await bring({ ...typed(), ...proof })
      expect(hasButton(page, 'Go on to the decision')).toBe(true)
    })

    it('works with a certificate in a PFX file, and says so when the password does not open it', async () => {
      const { certificate } = readPfx(Buffer.from(PFX_WITH_AES, 'base64'), PFX_PASSWORD) as CertificateWithKey
      stage.sandbox.microsoft.mutate('add-certificate', { certificate: certificate.toString() })
      const pfx = () => new Blob([Buffer.from(PFX_WITH_AES, 'base64')])
      const refused = await bring({ ...typed(), proof: 'certificate', pfx: pfx(), password: 'shut' })
      expect([refused.page.status, textOf(refused.page)]).toEqual([422, expect.stringMatching(/does not open the PFX/)])
      const { page } = await bring({ ...typed(), proof: 'certificate', pfx: pfx(), password: PFX_PASSWORD })
      expect(hasButton(page, 'Go on to the decision')).toBe(true)
    })

    it('says what Microsoft says of a wrong secret, and keeps the rest', async () => {
      const secret = { proof: 'secret', client_secret: 'wr0ng~secret', secret_expires_on: '2099-01-31' }
      const { visit, page } = await bring({ ...typed(), ...secret })
      expect(textOf(page)).toContain('microsoft.secret_invalid')
      const form = await visit.browser.open(new URL('prepare', page.url))
      const filledIn = (id: string) => form.document.querySelector(`#${id}`)!.getAttribute('value') ?? ''
      expect(['tenant', 'secret_expires_on', 'mailbox', 'client_secret'].map(filledIn)).toEqual([
        'initech.test',
        '2099-01-31',
        'milton@initech.test',
        '',
      ])
      expect(textOf(form)).toContain('We still have the one you gave')
      const { clientSecret } = stage.operator.microsoftApp
      const again = await visit.browser.submit(form, 'Check what I entered', { client_secret: clientSecret })
      expect(hasButton(again, 'Go on to the decision')).toBe(true)
    })

    it.each([
      ['a tenant that is none', { tenant: 'nowhere' }, /directory \(tenant\) ID/],
      ['no secret', { client_secret: '' }, /value of a client secret/],
      ['an application id that is none', { client_id: 'my app' }, /application \(client\) ID/],
      ['an expiry that is no day', { secret_expires_on: '2099-02-30' }, /Enter a day as YYYY-MM-DD/],
      ['an expiry in words', { secret_expires_on: 'in May' }, /Enter a day as YYYY-MM-DD/],
      ['a secret that has expired', { secret_expires_on: '2026-01-31' }, /Enter a day that lies ahead/],
      ['no certificate', { proof: 'certificate', client_secret: '' }, /certificate with its private key/],
      ['a key without its certificate', { proof: 'certificate', private_key: 'x' }, /not a certificate/],
      ['NUL characters', { tenant: 'a\0b.test' }, /directory \(tenant\) ID/],
    ])('refuses %s beside the field', async (_case, wrong, complaint) => {
      const { page } = await bring({ ...typed(), proof: 'secret', client_secret: 'some~secret', ...wrong })
      expect(page.status).toBe(422)
      expect(textOf(page)).toMatch(complaint)
    })
  })

  it('leaves no secret in the log', () => {
    const log = stage.logged.join('')
    const { clientSecret, privateKeyPem } = stage.operator.microsoftApp
    for (const secret of [clientSecret, privateKeyPem.slice(40, 80)]) expect(log).not.toContain(secret)
    expect(log).not.toMatch(/code=|state=/)
  })
})
