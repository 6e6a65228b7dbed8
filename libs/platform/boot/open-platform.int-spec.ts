import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { jest } from '@jest/globals'
import pg from 'pg'
import { loadSettings } from '#platform/config/settings.js'
import { Log } from '#platform/observability/log.js'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { openPlatform } from './open-platform.js'

describe('a platform', () => {
  const { url } = testDatabase()

  it('that cannot be opened whole leaves nothing open, and says which setting is at fault', async () => {
    const redis = createServer((socket) => socket.on('data', (said) => socket.write(answersTo(String(said)))))
    await once(redis.listen(0, '127.0.0.1'), 'listening')
    const settings = loadSettings('standalone', {
      DATABASE_URL: url.reveal(),
      MANDATE_ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64')}`,
      REDIS_URL: `redis://127.0.0.1:${(redis.address() as AddressInfo).port}`,
    })
    const ended = jest.spyOn(pg.Pool.prototype, 'end')
    await expect(openPlatform(settings, new Log('silent'))).rejects.toThrow(/REDIS_URL.* maxmemory-policy/)
    // The one that sealing holds; the schema is up to date, so the migrations need none.
    expect(ended).toHaveBeenCalledTimes(1)
    ended.mockRestore()
    redis.close()
  })
})

/** A Redis that may evict: OK to everything, and that to who asks how it is. */
function answersTo(commands: string): string {
  const info = 'maxmemory_policy:allkeys-lru'
  return commands
    .split(/^\*\d+\r\n/m)
    .filter((command) => command)
    .map((command) => (/^\$\d+\r\ninfo\r\n/i.test(command) ? `$${info.length}\r\n${info}\r\n` : '+OK\r\n'))
    .join('')
}
