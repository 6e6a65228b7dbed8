import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { until } from '#platform/testing/until.js'
import type { Page } from '../../apps/demo/plain-browser.js'
import { RawConsent } from './consent-raw.js'
import { type ConsentStage, openConsentStage, type StageClient } from './consent-stage.js'
import { type ConsentVisit, textOf } from './consent-visit.js'

/** RFC 7636, appendix B. */
const VERIFIER = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
const REDIRECT_URI = 'https://app.acme-scheduler.test/connected'

describe('Allow and Deny', () => {
  const database = testDatabase()
  let stage: ConsentStage
  let client: StageClient
  let raw: RawConsent

  beforeAll(async () => {
    stage = await openConsentStage(database.url)
    client = await stage.addClient('Acme Scheduler', REDIRECT_URI)
    await stage.setOperatorCredentials()
    raw = new RawConsent(stage, client)
  })
  afterAll(() => stage.close())

  const allow = ({ visit, decision }: { visit: ConsentVisit; decision: Page }) =>
    visit.browser.submit(decision, 'Allow Acme Scheduler')

  describe('Allow', () => {
    it('clicked twice connects once, and the second click has a code that works, bound to the same challenge', async () => {
      const here = await raw.untilDecision({ code_challenge: CHALLENGE, code_challenge_method: 'S256' })
      const before = await grantsAndAccounts()
      const answers = await Promise.all([allow(here), allow(here)])
      const codes = answers.map(({ url }) => url.searchParams.get('code'))
      expect(new Set(codes).size).toBe(2)
      const after = await grantsAndAccounts()
      expect(after.live).toBe(Math.max(before.live, 1))
      for (const code of codes) {
        expect((await exchange(code!)).status).toBe(400)
        expect((await exchange(code!, { code_verifier: VERIFIER })).status).toBe(200)
      }
    })

    it('pressed again later says that it was done already', async () => {
      const here = await raw.untilDecision()
      await allow(here)
      await stage.sql("update consents set ended_at = ended_at - interval '2 minutes' where id = $1", [here.id])
      const again = await allow(here)
      expect(again.status).toBe(410)
      expect(textOf(again)).toContain('You have already allowed this')
      const page = await here.visit.browser.open(here.decision.url)
      expect(textOf(page)).toContain('You have already allowed this')
    })

    it('after Deny is too late', async () => {
      const here = await raw.untilDecision()
      await here.visit.browser.submit(here.decision, 'Deny Acme Scheduler')
      expect(textOf(await allow(here))).toContain('You have already denied this')
    })

    it('is refused when the client was switched off, or its redirect URI removed, meanwhile', async () => {
      for (const change of ["redirect_uris = '{}'", 'disabled_at = now()']) {
        const here = await raw.untilDecision()
        await stage.sql(`update clients set ${change} where id = $1`, [client.id])
        const answer = await allow(here)
        await stage.sql('update clients set redirect_uris = array[$2], disabled_at = null where id = $1', [
          client.id,
          REDIRECT_URI,
        ])
        expect(answer.status).toBe(409)
        expect(textOf(answer)).toContain('registration has changed')
        const [consent] = await stage.sql('select step from consents where id = $1', [here.id])
        expect(consent!.step).toBe('deciding')
      }
    })

    it('asks for a new check when the last one is older than an hour', async () => {
      const here = await raw.untilDecision()
      await stage.sql("update consents set verified_at = verified_at - interval '61 minutes' where id = $1", [here.id])
      expect(textOf(await allow(here))).toContain('That page was out of date')
      const again = await here.visit.browser.open(here.decision.url)
      expect(again.url.pathname).toMatch(/\/check$/)
      expect(textOf(await allow({ ...here, decision: await here.visit.goOn(again) }))).toBe('')
    })

    it('is refused when the operator has removed the credential meanwhile', async () => {
      const here = await raw.untilDecision()
      await stage.sql("update provider_credentials set provider = 'google-off' where provider = 'google'")
      const answer = await allow(here)
      await stage.sql("update provider_credentials set provider = 'google' where provider = 'google-off'")
      expect(textOf(answer)).toContain('This way is closed now')
    })

    it('counts only for what was checked: a new choice makes the old decision worthless', async () => {
      const here = await raw.untilDecision()
      const asking = await here.visit.browser.open(new URL(here.path, stage.url))
      await here.visit.browser.submit(asking, 'Continue with Microsoft 365')
      expect(textOf(await allow(here))).toContain('That page was out of date')
    })

    it('is not reached by a check that a new choice has overtaken', async () => {
      const here = await raw.untilDecision()
      stage.sandbox.google.faults.add({ path: '/calendar/*', delayMs: 900, times: 1 })
      const checking = here.visit.browser.open(new URL(`${here.path}/check`, stage.url))
      await until('the check to be on its way', () =>
        stage.sandbox.google.journal
          .list({ limit: 10 })
          .some(({ path, status }) => path.startsWith('/calendar/') && status === null),
      )
      const asking = await here.visit.browser.open(new URL(here.path, stage.url))
      await here.visit.browser.submit(asking, 'Use our own app registration')
      expect(textOf(await checking)).toContain('This request moved on meanwhile')
      const [consent] = await stage.sql('select step, organisation from consents where id = $1', [here.id])
      expect(consent).toEqual({ step: 'preparing', organisation: null })
    })
  })

  it('clicked twice, Deny gives the same answer, and is on record once', async () => {
    const visit = await raw.begin()
    const csrf = await raw.csrfOf(visit)
    const deny = async () => {
      const { status, headers } = await raw.post(`${visit.path}/deny`, visit.cookie, { csrf })
      expect(status).toBe(303)
      return headers.get('location')
    }
    const answers = [...(await Promise.all([deny(), deny()])), await deny()]
    expect(answers[0]).toMatch(/[?&]error=access_denied&/)
    expect(new Set(answers).size).toBe(1)
    const acts = await stage.sql(
      `select act from (select act, subject from audit_arrivals union all select act, subject from audit_events) audit
       where subject = $1`,
      [visit.path.split('/').at(-1)],
    )
    expect(acts).toEqual([{ act: 'consent.denied' }])
  })

  async function grantsAndAccounts() {
    const [row] = await stage.sql('select count(*)::int as live from service_accounts where revoked_at is null')
    return row as { live: number }
  }

  const exchange = (code: string, more = {}) =>
    fetch(`${stage.url}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        client_id: client.id,
        client_secret: client.secret,
        code,
        redirect_uri: REDIRECT_URI,
        ...more,
      }),
    })
})
