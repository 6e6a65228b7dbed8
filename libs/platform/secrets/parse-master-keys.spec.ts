import { parseMasterKeys } from './parse-master-keys.js'

const entry = (id: string, byte = 1, length = 32) => `${id}:${Buffer.alloc(length, byte).toString('base64')}`

describe('master keys', () => {
  it('are read from one line or several, the first one first', () => {
    for (const text of [`${entry('k2')},${entry('k1', 2)}`, `${entry('k2')}\n${entry('k1', 2)}\n`]) {
      const { keys, problems } = parseMasterKeys(text)

      expect(problems).toEqual([])
      expect(keys?.map(({ id }) => id)).toEqual(['k2', 'k1'])
      expect(keys?.at(1)?.key.reveal()).toEqual(Buffer.alloc(32, 2))
    }
  })

  it.each([
    ['k1', 'key 1 must have the form id:base64'],
    ['', 'key 1 must have the form id:base64'],
    [entry('k1', 1, 16), 'key 1 has 16 bytes and must have 32'],
    [`${entry('k1')},${entry('k1', 2)}`, 'key 2 has the id of another one'],
  ])('refuse "%s" without showing any key', (text, problem) => {
    const { keys, problems } = parseMasterKeys(text)

    expect(keys).toBeNull()
    expect(problems).toEqual([expect.stringContaining(problem)])
    expect(problems.join()).not.toContain(Buffer.alloc(12, 1).toString('base64'))
  })

  it('have all their problems told at once', () => {
    expect(parseMasterKeys(`nonsense,${entry('k1', 1, 31)},${entry('k1')}`).problems).toHaveLength(3)
  })
})
