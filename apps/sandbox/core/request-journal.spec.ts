import { pathWithoutSecrets, RequestJournal } from './request-journal.js'

const entry = (path: string) => ({
  at: '2026-01-01T00:00:00.000Z',
  method: 'GET',
  host: 'h',
  providerHost: null,
  path,
  status: 200,
  subject: null,
  tokenHash: null,
  fault: null,
})

describe('the request journal', () => {
  it('keeps the newest entries in order and counts the forgotten ones', () => {
    const journal = new RequestJournal(3)
    for (const path of ['/1', '/2', '/3', '/4', '/5']) journal.add(entry(path))
    expect(journal.list().map(({ number, path }) => [number, path])).toEqual([
      [3, '/3'],
      [4, '/4'],
      [5, '/5'],
    ])
    expect(journal.total).toBe(5)
    expect(journal.list({ after: 3, limit: 1 }).map(({ path }) => path)).toEqual(['/5'])
  })

  it.each([
    ['/a?token=x&b=1', '/a?token=[hidden]&b=1'],
    ['/a?client_secret=x', '/a?client_secret=[hidden]'],
    ['/a?code=x&state=y&id_token=z', '/a?code=[hidden]&state=[hidden]&id_token=[hidden]'],
    ['/a?timeMin=2026', '/a?timeMin=2026'],
    ['/a', '/a'],
  ])('keeps %s as %s', (url, kept) => {
    expect(pathWithoutSecrets(url)).toBe(kept)
  })
})
