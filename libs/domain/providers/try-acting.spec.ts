import { ProviderError } from '#platform/errors/provider-error.js'
import { GOOGLE_ERRORS, type GoogleErrorKey, googleError } from './google/google-errors.js'
import { MICROSOFT_ERRORS, type MicrosoftErrorKey, microsoftError } from './microsoft/microsoft-errors.js'
import type { Organisation, OrganisationProvider } from './provider.port.js'
import { tryActing } from './try-acting.js'

const ORGANISATION = { credentialVersion: 'ver_1' } as Organisation

/** Mailboxes that are not named here open. */
const act = async (refusals: Record<string, ProviderError>, mailboxes: { person?: string[]; room?: string[] }) => {
  const asked: string[] = []
  const provider = {
    proveMailbox: async ({ credentialVersion }: Organisation, email: string) => {
      asked.push(`${email} ${credentialVersion}`)
      if (refusals[email]) throw refusals[email]
    },
  } as unknown as OrganisationProvider
  const finding = await tryActing(provider, ORGANISATION, [], { person: [], room: [], ...mailboxes }, 'try_1')
  return { ...finding, asked }
}

const refusals = [
  ...(Object.keys(GOOGLE_ERRORS) as GoogleErrorKey[]).map((key) => googleError(key)),
  ...(Object.keys(MICROSOFT_ERRORS) as MicrosoftErrorKey[]).map((key) => microsoftError(key)),
]

/** What the classifier says of a refusal decides, and nothing else but these two keys. */
function stateFor({ code, facts }: ProviderError): string | null {
  if (code === 'provider.throttled') return null
  if (facts.effect === 'mailbox') return 'active'
  if (facts.class === 'retry' || code === 'google.delegation_scope_missing') return 'degraded'
  return 'failing'
}

describe('acting as one mailbox, refused', () => {
  it.each(refusals.map((refusal) => [`${refusal.facts.provider} ${refusal.code}`, refusal] as const))(
    'by %s, says of the service account what its effect and class say',
    async (_, refusal) => {
      const { state, refusal: facts } = await act({ 'anna@acme.test': refusal }, { person: ['anna@acme.test'] })
      expect(state).toBe(stateFor(refusal))
      expect(facts?.key ?? null).toBe(refusal.facts.effect === 'mailbox' ? null : refusal.code)
    },
  )
})

describe('acting as several', () => {
  const gone = googleError('google.delegation_missing')
  const suspended = googleError('google.subject_suspended')

  it('goes on to the next where a refusal is about one, and stops where it is about all', async () => {
    const person = ['anna', 'ben', 'carla']
    expect(await act({ anna: suspended }, { person })).toMatchObject({ state: 'active', proven: 'ben' })
    expect((await act({ anna: gone }, { person })).asked).toHaveLength(1)
    const unknown = googleError('google.delegation_scope_missing')
    expect(await act({ anna: unknown }, { person })).toMatchObject({ state: 'active', proven: 'ben', refusal: null })
  })

  it('says degraded where people work and rooms do not, or the other way round', async () => {
    expect(await act({ room: gone }, { person: ['anna'], room: ['room'] })).toMatchObject({ state: 'degraded' })
    expect(await act({ anna: gone }, { person: ['anna'], room: ['room'] })).toMatchObject({ state: 'degraded' })
    expect(await act({ anna: gone, room: gone }, { person: ['anna'], room: ['room'] })).toMatchObject({
      ...{ state: 'failing', refusal: { key: 'google.delegation_missing' } },
    })
  })

  it('finds nothing out without a mailbox, and uses no token from before', async () => {
    expect(await act({}, {})).toMatchObject({ state: null, proven: null })
    expect((await act({}, { person: ['anna'] })).asked).toEqual(['anna ver_1 try_1'])
  })
})
