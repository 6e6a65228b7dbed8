import type { CheckStep } from '#domain/providers/administrator.port.js'
import { type DelegatedScope, permissionsOf, providerScopesFor } from '#domain/providers/delegated-scopes.js'
import type { MailboxKind, ProviderName } from '#domain/providers/provider.port.js'
import { askerOf } from '#platform/pages/asker.js'
import { type Frame, renderPage } from '#platform/pages/document.js'
import {
  type CheckVerdict,
  checkListEnds,
  checkListOpens,
  checkPage,
  renderCheckStep,
  renderVerdict,
  renderWaiting,
} from './check.page.js'
import { Decision } from './decision.page.js'
import { Ending, type EndingName } from './ending.page.js'
import { GoogleDelegation } from './google-delegation.page.js'
import { MicrosoftGrant } from './microsoft-grant.page.js'
import { OwnGoogleKey } from './own-google-key.page.js'
import { OwnMicrosoftRegistration } from './own-microsoft-registration.page.js'
import { en as t } from './strings.en.js'
import { mayDo, mayNotDo, whoseCalendars } from './what-it-may-do.js'
import { WhoIsAsking } from './who-is-asking.page.js'

/** Data from outside, as it ends up on the pages. */
export interface Outside {
  clientName: string
  redirectUri: string
  organisationName: string
  administratorEmail: string
}

export const ORDINARY: Outside = {
  clientName: 'Acme Scheduler',
  redirectUri: 'https://app.acme.test/connected',
  organisationName: 'Contoso Furniture',
  administratorEmail: 'ada@contoso.example',
}

const SCOPE: DelegatedScope[] = ['read_events', 'create_event']
const KINDS: MailboxKind[] = ['person', 'room']

/** Every page in every state worth looking at, for the tests that read them and the ones that look at them. */
export function samplePages(frame: Frame, outside: Outside = ORDINARY): Record<string, string> {
  const target = { consentPath: '/enterprise_connect/consents/con_0123456789abcdef01234567', csrf: 'token' }
  const asker = askerOf({ name: outside.clientName }, outside.redirectUri)
  const around = { frame, target, asker }
  const words = { whose: whoseCalendars(KINDS), may: mayDo(SCOPE), mayNot: mayNotDo(SCOPE, KINDS) }
  const scopes = (provider: ProviderName) => providerScopesFor(provider, permissionsOf(SCOPE), KINDS)
  const ways = (withOperatorCredential: boolean) =>
    (['google', 'microsoft'] as const).map((provider) => ({ provider, withOperatorCredential }))
  const decision = {
    ...around,
    ...words,
    organisation: { name: outside.organisationName, domains: ['contoso.example', 'contoso.test'] },
    administratorEmail: outside.administratorEmail,
  }
  const check = (provider: ProviderName, steps: CheckStep[], verdict: CheckVerdict | null) => {
    const { before, after } = checkPage({ ...around, provider })
    const lines = steps.map(renderCheckStep).join('') + (verdict ? '' : renderWaiting(provider))
    const end = verdict ? renderVerdict(verdict, { provider, target }) + after : ''
    return before + checkListOpens + lines + (verdict ? checkListEnds : '') + end
  }

  const pages: Record<string, string> = {
    'ask-operator': renderPage(WhoIsAsking({ ...around, ...words, ways: ways(true) })),
    'ask-own-only': renderPage(WhoIsAsking({ ...around, ...words, ways: ways(false) })),
    'google-delegation': renderPage(
      GoogleDelegation({ ...around, clientId: '103547991597142817347', scopes: scopes('google') }),
    ),
    'microsoft-grant': renderPage(MicrosoftGrant({ ...around, permissions: scopes('microsoft') })),
    'own-google': renderPage(
      OwnGoogleKey({
        ...around,
        scopes: scopes('google'),
        filled: { mailbox: '' },
        keyAlreadyGiven: false,
        complaints: {},
      }),
    ),
    'own-google-complaints': renderPage(
      OwnGoogleKey({
        ...around,
        scopes: scopes('google'),
        filled: { mailbox: outside.administratorEmail },
        keyAlreadyGiven: true,
        complaints: { key_file: 'This is not a JSON file.', mailbox: t.field.addressRequired },
      }),
    ),
    'own-microsoft': renderPage(
      OwnMicrosoftRegistration({
        ...around,
        permissions: scopes('microsoft'),
        filled: { tenant: '', clientId: '', mailbox: '', proof: 'secret', secretExpiresOn: '' },
        proofAlreadyGiven: false,
        complaints: {},
      }),
    ),
    'own-microsoft-complaints': renderPage(
      OwnMicrosoftRegistration({
        ...around,
        permissions: scopes('microsoft'),
        filled: {
          tenant: outside.organisationName,
          clientId: outside.clientName,
          mailbox: outside.administratorEmail,
          proof: 'certificate',
          secretExpiresOn: '',
        },
        proofAlreadyGiven: true,
        complaints: {
          tenant: 'Enter the directory (tenant) ID, or a domain of the organisation such as contoso.com.',
          certificate: 'This is not a certificate in PEM; it begins with -----BEGIN CERTIFICATE-----.',
          private_key: 'This private key does not belong to the certificate.',
        },
      }),
    ),
    'check-waiting': check('google', GOOGLE_STEPS.slice(0, 2), null),
    'check-passed': check('google', GOOGLE_STEPS, { kind: 'passed', organisation: outside.organisationName }),
    'check-outage': check('microsoft', GOOGLE_STEPS.slice(0, 1), { kind: 'outage' }),
    'check-broken': check('microsoft', [], { kind: 'broken' }),
    'decide-google': renderPage(Decision({ ...decision, provider: 'google', credentialSource: 'operator' })),
    'decide-microsoft-own': renderPage(Decision({ ...decision, provider: 'microsoft', credentialSource: 'customer' })),
  }
  for (const failing of GOOGLE_STEPS) {
    const verdict = { kind: 'failed', credentialSource: 'operator', otherMailbox: failing.id === 'mailbox' } as const
    pages[`check-failed-${failing.id.replace(/\W+/g, '-')}`] = check('google', failedAt(failing), verdict)
  }
  const endings = Object.keys(t.ending).filter((name) => name !== 'nothingChanged' && name !== 'goOn') as EndingName[]
  for (const name of endings)
    pages[`ending-${name}`] = renderPage(
      Ending({ frame, name, detail: outside.administratorEmail, goOnAt: target.consentPath }),
    )
  return pages
}

const passed = (id: string, label: string): CheckStep => ({
  id,
  label,
  outcome: 'passed',
  problem: '',
  fix: '',
  key: null,
  commands: [],
})

const GOOGLE_STEPS = [
  passed('credential', 'Google knows the service account'),
  passed('permission:https://www.googleapis.com/auth/admin.directory.user.readonly', 'Read users of the directory'),
  passed('administrator', 'You are an administrator'),
  passed('permission:https://www.googleapis.com/auth/calendar.events', 'Create, change and delete events'),
  passed('rooms', 'List rooms'),
  passed('mailbox', 'Open the calendar of ada@contoso.example'),
]

function failedAt(failing: CheckStep): CheckStep[] {
  const at = GOOGLE_STEPS.indexOf(failing)
  return GOOGLE_STEPS.map((step, index) => {
    if (index < at) return step
    if (index > at) return { ...step, outcome: 'not-checked' as const }
    return {
      ...step,
      outcome: 'failed' as const,
      problem: 'Google refused: the client ID is not authorised for this scope.',
      fix: 'In the Admin console, add the missing scope to the entry under Domain-wide delegation. It may take up to 24 hours.',
      key: 'google.delegation_scope_missing',
    }
  })
}
