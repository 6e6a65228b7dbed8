import { EgressError, type EgressErrorCode } from '#platform/errors/egress-error.js'
import { judgeAnswer } from './judge-answer.js'

const answered = (status: number) => judgeAnswer({ status, headers: {}, bodyExcerpt: '', milliseconds: 1 })
const failed = (code: EgressErrorCode) => judgeAnswer(new EgressError(code, 'for a reason'))

describe('an answer to a callback', () => {
  it.each([200, 201, 202, 204, 206, 226, 299])('%i means that the client has heard', (status) => {
    expect(answered(status)).toEqual({ receiver: 'heard', because: null, host: 'answers' })
  })

  it('410 means that it wants to hear no more', () => {
    expect(answered(410)).toEqual({ receiver: 'refused', because: 'gone', host: 'answers' })
  })

  it.each([300, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 409, 413, 415, 422, 426, 431, 451, 499])(
    '%i is tried again, and not held against the host',
    (status) => {
      expect(answered(status)).toEqual({ receiver: 'unheard', because: 'schedule_used_up', host: 'answers' })
    },
  )

  it.each([429, 500, 501, 502, 503, 504, 507, 520, 599, 999])(
    '%i is tried again, and held against the host',
    (status) => {
      expect(answered(status)).toEqual({ receiver: 'unheard', because: 'schedule_used_up', host: 'fails' })
    },
  )

  it.each<EgressErrorCode>([
    'egress.timed_out',
    'egress.connection_failed',
    'egress.tls_failed',
    'egress.name_not_resolved',
    'egress.answer_malformed',
  ])('%s is tried again, and held against the host', (code) => {
    expect(failed(code)).toEqual({ receiver: 'unheard', because: 'schedule_used_up', host: 'fails' })
  })

  it.each<EgressErrorCode>([
    'egress.url_malformed',
    'egress.scheme_not_allowed',
    'egress.credentials_in_url',
    'egress.port_not_allowed',
    'egress.address_not_allowed',
  ])('%s would not end otherwise another time', (code) => {
    expect(failed(code)).toEqual({ receiver: 'refused', because: 'url_refused', host: null })
  })

  it('that we could not even ask for says nothing about the host', () => {
    expect(failed('egress.not_sent')).toEqual({ receiver: 'unheard', because: 'schedule_used_up', host: null })
  })
})
