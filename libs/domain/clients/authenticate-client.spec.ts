import * as crypto from 'node:crypto'
import { jest } from '@jest/globals'
import type { Em } from '#platform/database/database.js'
import { HeldClock } from '#platform/testing/held-clock.js'

/** The lengths of what was compared, in bytes. */
const compared: [number, number][] = []
jest.unstable_mockModule('node:crypto', () => ({
  ...crypto,
  timingSafeEqual: (left: Buffer, right: Buffer) => {
    compared.push([left.length, right.length])
    return crypto.timingSafeEqual(left, right)
  },
}))
const { AuthenticateClient } = await import('./authenticate-client.js')
const { hashOf } = await import('#platform/secrets/random.js')

describe('client authentication', () => {
  const known = { id: 'cli_1', disabledAt: null }
  const secrets = [{ secretHash: hashOf('right'), expiresAt: null }]
  const rows: Record<string, [client: object | null, secrets: object[]]> = {
    'the right secret': [known, secrets],
    'a wrong secret': [known, secrets],
    'an empty secret': [known, secrets],
    'an unknown client': [null, []],
    'a disabled client': [{ ...known, disabledAt: new Date() }, secrets],
    'a secret that has ended': [known, [{ ...secrets[0], expiresAt: new Date(0) }]],
  }
  const presented = (who: string) => ({ 'a wrong secret': 'wrong', 'an empty secret': '' })[who] ?? 'right'

  /** What was asked of the database, and what was compared. */
  async function workFor(who: string) {
    const [client, secretsOfClient] = rows[who]!
    const asked: string[] = []
    const answering =
      <T>(answer: T) =>
      async ({ name }: { name: string }) => {
        asked.push(name)
        return answer
      }
    const em = { findOne: answering(client), find: answering(secretsOfClient) }
    compared.length = 0
    const found = await new AuthenticateClient(new HeldClock()).authenticate(em as unknown as Em, 'x', presented(who))
    return { isLetIn: found !== null, asked, compared: [...compared] }
  }

  it.each(Object.keys(rows))(
    'asks and compares as much for %s as for the right one, and digests alone',
    async (who) => {
      expect(await workFor(who)).toEqual({
        isLetIn: who === 'the right secret',
        asked: ['Client', 'ClientSecret'],
        compared: [[32, 32]],
      })
    },
  )
})
