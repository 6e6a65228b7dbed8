import { randomBytes } from 'node:crypto'
import { ApiError } from '#platform/errors/api-error.js'
import { Log } from './log.js'
import type { LogFields } from './log-fields.js'

const TOKEN = randomBytes(24).toString('base64url')
const KEY = randomBytes(48).toString('base64')

function logged(work: (log: Log) => void) {
  const lines: string[] = []
  work(new Log('debug', (line) => lines.push(line)))
  expect(lines).toHaveLength(1)
  return { line: lines[0]!, ...JSON.parse(lines[0]!) }
}

describe('a log line', () => {
  it('holds the facts that it is given', () => {
    const facts = {
      request: 'dar_0123456789abcdef01234567',
      job: 'mint-access',
      code: 'google.subject_suspended',
      route: '/v1/service_account_authorizations/:id',
      attempt: '3/9',
      status: 503,
      retryInMs: 1.5,
      repeat: false,
      previousExpiresAt: '2026-03-01T12:00:00.000Z',
    } satisfies LogFields

    expect(logged((log) => log.info('thing.happened', facts))).toMatchObject({ msg: 'thing.happened', ...facts })
  })

  it('holds a field that says nothing as nothing, of whatever kind', () => {
    const nothing = { request: null, because: null, status: null, repeat: null, until: null } satisfies LogFields

    expect(logged((log) => log.info('thing.happened', nothing))).toMatchObject(nothing)
  })

  it('does not take a field that is not on the list: the compiler says so, and what slips by is named, not shown', () => {
    // @ts-expect-error no such field
    const unknown: LogFields = { token: TOKEN }
    const { line, dropped } = logged((log) => log.info('thing.happened', unknown))

    expect(dropped).toBe('token')
    const elsewhere = { request: 'dar_1', token: TOKEN }
    // @ts-expect-error no such field, although the object was put together elsewhere
    expect(logged((log) => log.info('thing.happened', elsewhere)).dropped).toBe('token')
    expect(line).not.toContain(TOKEN)
  })

  it.each([
    ['an id', { client: TOKEN }],
    ['a word', { code: TOKEN }],
    ['a word', { job: KEY }],
    ['a name', { key: KEY }],
    ['a route', { route: `/v1/thing?token=${TOKEN}` }],
    ['a time', { previousExpiresAt: TOKEN }],
    ['an attempt', { attempt: TOKEN }],
    ['frames', { at: `at ${KEY}` }],
    ['a number', { status: TOKEN as unknown as number }],
    ['a number', { ms: { token: TOKEN } as unknown as number }],
    ['a flag', { repeat: TOKEN as unknown as boolean }],
  ])('drops a secret in the place of %s', (_, fields) => {
    const { line, dropped } = logged((log) => log.info('thing.happened', fields as LogFields))

    expect(dropped).toBe(Object.keys(fields)[0])
    expect(line).not.toContain(TOKEN)
    expect(line).not.toContain(KEY)
  })

  it('blacks out what looks like a secret in a sentence, and leaves ids, GUIDs, words and paths of words', () => {
    const words =
      'dar_0123456789abcdef01234567 of 11111111-2222-4333-8444-555555555555 wants service_account/accounts/manage in /srv/mandate/postgres/data'
    const { detail } = logged((log) => log.info('thing.happened', { detail: `${words}: ${TOKEN} ${KEY}` }))

    expect(detail).toBe(`${words}: […] […]`)
  })
})

describe('a failure in the log', () => {
  it("has code, sentence and cause of an error of ours, at the error's own level", () => {
    const cause = Object.assign(new Error(TOKEN), { code: 'ECONNREFUSED' })
    const error = new ApiError({ code: 'unavailable', status: 409, publicText: 'Come back later.', cause })
    const failure = logged((log) => log.failure('thing.failed', error, { status: 503 }))

    expect(failure).toMatchObject({
      level: 30,
      code: 'unavailable',
      detail: 'Come back later.',
      cause: 'ECONNREFUSED',
      status: 503,
    })
    expect(failure.line).not.toContain(TOKEN)
  })

  it.each([
    [
      'a statement with its values',
      () => Object.assign(new Error(`insert into x values ('${TOKEN}')`), { code: '23505' }),
    ],
    ['the text that could not be parsed', () => parsed(`"${TOKEN}`)],
    ['lines like those of a stack', () => new Error(`x\n    at ${TOKEN} (${KEY}:1:1)`)],
    ['a secret for a name', () => Object.assign(new Error('x'), { name: TOKEN, code: KEY, constraint: `-${TOKEN}` })],
    ['a string', () => TOKEN],
    ['an object', () => ({ token: TOKEN })],
    ['a response', () => Object.assign(new Error('x'), { response: { data: TOKEN }, config: { headers: KEY } })],
  ])('never has the message of another: %s', (_, thrown) => {
    const { line, level } = logged((log) => log.failure('thing.failed', thrown()))

    expect(level).toBe(50)
    expect(line).not.toContain(TOKEN)
    expect(line).not.toContain(KEY)
  })

  it('says of another what it is, and where it came from', () => {
    const error = Object.assign(new TypeError('of no use'), { code: '23505', constraint: 'one_live' })
    const failure = logged((log) => log.failure('thing.failed', error))

    expect(failure).toMatchObject({ error: 'TypeError', errorCode: '23505', constraint: 'one_live' })
    expect(failure.at).toMatch(/log\.spec\.ts:\d+:\d+/)
    expect(failure.dropped).toBeUndefined()
    expect(logged((log) => log.failure('thing.failed', Object.assign(error, { code: -2 })))).toMatchObject({
      errorCode: '-2',
    })
  })
})

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    return error
  }
}
