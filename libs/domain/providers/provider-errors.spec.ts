import { GOOGLE_ERRORS, googleError } from './google/google-errors.js'
import { MICROSOFT_ERRORS, microsoftError } from './microsoft/microsoft-errors.js'
import { type ErrorMeaning, forTheLog } from './provider-errors.js'

const ALL: [string, ErrorMeaning][] = Object.entries({ ...GOOGLE_ERRORS, ...MICROSOFT_ERRORS })

describe('the meanings of provider errors', () => {
  it.each(ALL)('%s has sentences that may stand in an OAuth answer', (_, { problem, fix }) => {
    const allowed = /^[\x20-\x21\x23-\x5B\x5D-\x7E]*$/
    expect(problem).toMatch(allowed)
    expect(problem).toMatch(/\.$/)
    expect(fix).toMatch(allowed)
    expect(fix).toMatch(/^$|\.$/)
  })

  it.each(ALL)('%s says what to do, unless waiting is all there is', (_, meaning) => {
    if (meaning.fix === '') expect(meaning.class).toBe('retry')
  })

  it.each(ALL.filter(([, { class: kind }]) => kind === 'fatal'))(
    '%s, being fatal, is nobody’s single mailbox',
    (_, { effect }) => {
      expect(['connection', 'operator']).toContain(effect)
    },
  )

  it('become errors that tell the queue what to do', () => {
    expect(googleError('google.subject_not_found').retry).toBe('never')
    expect(googleError('provider.unavailable').retry).toBe('later')
    expect(googleError('provider.throttled', { retryAfter: 30 }).retry).toEqual({ after: 30 })
  })

  it('make a loop wait five minutes, whatever the provider says', () => {
    expect(microsoftError('provider.loop_detected').retry).toEqual({ after: 300 })
    expect(microsoftError('provider.loop_detected', { retryAfter: 10 }).retry).toEqual({ after: 300 })
    expect(microsoftError('provider.loop_detected', { retryAfter: 900 }).retry).toEqual({ after: 900 })
  })
})

describe('the words for the log', () => {
  it('leave out whatever could be a token, further lines and empty facts', () => {
    const token = `ya29.${'a'.repeat(60)}`
    expect(forTheLog({ status: 400, error: null, said: `Bad token ${token} given\r\nTrace ID: 1` })).toBe(
      'status=400 said=Bad token [cut] given',
    )
  })

  it('name nobody', () => {
    const said = "Resource 'milton@initech.test' does not exist; ask bill@initech.test."
    expect(forTheLog({ said })).toBe("said=Resource '[address]' does not exist; ask [address]")
  })

  it('stay short', () => {
    expect(forTheLog({ said: 'no '.repeat(500) }).length).toBeLessThanOrEqual('said='.length + 200)
  })
})
