import * as crypto from 'node:crypto'
import { jest } from '@jest/globals'
import type { LookUp } from '#platform/database/database.js'
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
  const secret = { disabledAt: null, secretHash: hashOf('right'), expiresAt: null }
  const rows: Record<string, object[]> = {
    'the right secret': [secret],
    'a wrong secret': [secret],
    'an empty secret': [secret],
    'an unknown client': [],
    'a disabled client': [{ ...secret, disabledAt: new Date() }],
    'a secret that has ended': [{ ...secret, expiresAt: new Date(0) }],
  }
  const presented = (who: string) => ({ 'a wrong secret': 'wrong', 'an empty secret': '' })[who] ?? 'right'

  /** What was asked of the database, and what was compared. */
  async function workFor(who: string) {
    const asked: string[] = []
    const lookUp = async ({ name }: { name: string }) => {
      asked.push(name)
      return rows[who]!
    }
    compared.length = 0
    const found = await new AuthenticateClient(new HeldClock()).authenticate(lookUp as LookUp, 'x', presented(who))
    return { isLetIn: found !== null, asked, compared: [...compared] }
  }

  it.each(Object.keys(rows))(
    'asks and compares as much for %s as for the right one, and digests alone',
    async (who) => {
      expect(await workFor(who)).toEqual({
        isLetIn: who === 'the right secret',
        asked: ['find-client-secrets'],
        compared: [[32, 32]],
      })
    },
  )
})
