import { decodeJwt } from 'jose'
import type { StandIn } from '../../core/stand-in.js'
import { defaultMicrosoftSeed, INITECH, type MicrosoftAppCredentials, UMBRELLA } from '../default-seed.js'
import { startMicrosoft } from '../microsoft-stand-in.js'
import { PageWalker } from '../page-walker.js'
import { type MicrosoftSeedInput, microsoftSeed } from '../seed.js'
import { appToken, msal } from '../vendor-clients.js'

const REDIRECT = 'http://localhost:1/return'
const SCOPE = 'https://graph.microsoft.com/.default'

describe('admin consent', () => {
  let seed: MicrosoftSeedInput
  let app: MicrosoftAppCredentials
  let standIn: StandIn
  let browser: PageWalker

  beforeAll(async () => {
    ;({ seed, app } = await defaultMicrosoftSeed())
  })
  beforeEach(async () => {
    standIn = await startMicrosoft({ port: 0, seed: microsoftSeed.parse(seed) })
    browser = new PageWalker()
  })
  afterEach(() => standIn.close())

  const openConsent = (path = 'organizations/v2.0/adminconsent', changed: Record<string, string> = {}) => {
    const query = { client_id: app.clientId, scope: SCOPE, redirect_uri: REDIRECT, state: 's1', ...changed }
    return browser.open(`${standIn.url}/${path}?${new URLSearchParams(query)}`)
  }
  const answer = () => Object.fromEntries(browser.location?.searchParams ?? [])
  const rolesIn = async (tenant: string) =>
    decodeJwt((await appToken(msal(standIn.url, app.clientId, app), tenant))?.accessToken ?? '').roles

  it('asks which organisation, then lists the permissions, and grants them on Accept', async () => {
    await openConsent()
    expect(browser.html).toContain('Sign in as an administrator')
    await browser.press('admin@initech.test')
    expect(browser.html).toContain('Review for your organization, Initech')
    expect(browser.html).toContain('Calendars.ReadWrite')
    await expect(rolesIn(INITECH)).rejects.toMatchObject({ errorNo: 7000229 })
    await browser.press('Accept')
    expect(answer()).toEqual({ admin_consent: 'True', tenant: INITECH, state: 's1', scope: SCOPE })
    expect(await rolesIn(INITECH)).toEqual([
      'Calendars.ReadWrite',
      'User.Read.All',
      'Place.Read.All',
      'Organization.Read.All',
    ])
    await expect(rolesIn(UMBRELLA)).rejects.toMatchObject({ errorNo: 7000229 })
  })

  it('answers without a scope on the older path', async () => {
    await openConsent('umbrella.test/adminconsent')
    await (await browser.press('admin@umbrella.test')).press('Accept')
    expect(answer()).toEqual({ admin_consent: 'True', tenant: UMBRELLA, state: 's1' })
  })

  it('goes back without a tenant on Cancel, on either screen, and still says admin_consent=True', async () => {
    await (await openConsent()).press('Cancel')
    expect(answer()).toMatchObject({ error: 'access_denied', admin_consent: 'True', state: 's1' })
    await (await (await openConsent()).press('admin@initech.test')).press('cancel')
    expect(answer().error_description).toMatch(/^AADSTS65004/)
    expect(answer()).not.toHaveProperty('tenant')
    await expect(rolesIn(INITECH)).rejects.toMatchObject({ errorNo: 7000229 })
  })

  it('goes back with a refusal when the account is of another directory', async () => {
    await (await openConsent(`${INITECH}/v2.0/adminconsent`)).press('Next', { account: 'admin@umbrella.test' })
    expect(answer()).toMatchObject({ error: 'access_denied', state: 's1' })
    expect(answer().error_description).toMatch(/^AADSTS50020/)
  })

  it('keeps whoever is not an administrator on a page that never returns', async () => {
    for (const account of ['milton@initech.test', 'helpdesk@initech.test']) {
      await (await openConsent()).press(account)
      expect(browser.location).toBeNull()
      expect(browser.html).toContain('Need admin approval')
      expect(browser.html).toContain('AADSTS90094')
    }
    standIn.mutate('set-roles', { email: 'milton@initech.test', roles: ['Privileged Role Administrator'] })
    await (await openConsent()).press('milton@initech.test')
    expect(browser.html).toContain('Permissions requested')
  })

  it('does not let the second screen’s form make anybody an administrator', async () => {
    await (await openConsent()).press('admin@initech.test')
    await browser.press('Accept', { account: 'milton@initech.test' })
    expect(browser.location).toBeNull()
    await expect(rolesIn(INITECH)).rejects.toMatchObject({ errorNo: 7000229 })
  })

  it('shows what is wrong with address, app, scope, tenant or account, and redirects nowhere', async () => {
    const shown = async (path?: string, changed?: Record<string, string>, account?: string) => {
      await openConsent(path, changed)
      if (account) await browser.press('Next', { account })
      return browser.location === null ? /AADSTS\d+/.exec(browser.html)?.[0] : 'redirected'
    }
    expect(await shown(undefined, { redirect_uri: 'https://evil.test' })).toBe('AADSTS50011')
    expect(await shown(undefined, { client_id: UMBRELLA })).toBe('AADSTS700016')
    expect(await shown(undefined, { scope: '' })).toBe('AADSTS900144')
    expect(await shown('common/v2.0/adminconsent')).toBe('AADSTS9000411')
    expect(await shown('nobody.test/v2.0/adminconsent')).toBe('AADSTS90002')
    expect(await shown(undefined, undefined, 'disabled@initech.test')).toBe('AADSTS50057')
    standIn.mutate('block-by-policy')
    expect(await shown(undefined, undefined, 'admin@initech.test')).toBe('AADSTS53003')
  })

  it('refuses a single-tenant app on a shared path', async () => {
    const registration = { ...seed.registrations?.[0], audience: INITECH }
    standIn.definition.seed.load(microsoftSeed.parse({ ...seed, registrations: [registration] }))
    await openConsent()
    expect(browser.html).toContain('AADSTS50194')
    await (await (await openConsent('initech.test/v2.0/adminconsent')).press('admin@initech.test')).press('Accept')
    expect(answer().tenant).toBe(INITECH)
  })
})
