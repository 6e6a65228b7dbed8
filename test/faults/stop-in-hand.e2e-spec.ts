import { once } from 'node:events'
import { connect } from 'node:net'
import pg from 'pg'
import { testDatabase } from '#platform/testing/postgres-for-tests.js'
import { until } from '#platform/testing/until.js'
import { type Queue, queuesOfThisMachine } from '../e2e/queue-store.js'
import { Stage } from '../e2e/stage.js'

describe.each<Queue>(queuesOfThisMachine())('a Mandate that is stopped, its queue on %s,', (queue) => {
  const { url } = testDatabase()

  it('first answers the request that it has in hand, and then goes', async () => {
    const stage = await Stage.open(url, { queue })
    const acme = await stage.api.authorise(await stage.api.addClient('Scheduler'), 'acme')
    const [first] = await stage.ask(acme, { email: 'carla@acme.example', state: 'before' })
    await stage.requestOnce('delivered', acme, first!)
    const database = new pg.Client({ connectionString: url.reveal() })
    await database.connect()
    const waitsForALock = `select from pg_locks where not granted and relation = 'delegated_access_requests'::regclass`

    await database.query('begin')
    await database.query('lock table delegated_access_requests in share mode')
    const asked = stage.ask(acme, { email: 'anna@acme.test', state: 'a' }, { email: 'ben@acme.test', state: 'b' })
    await until('the request to be in hand', async () => (await database.query(waitsForALock)).rowCount)
    const closed = stage.close()
    // What closes too early is closed by then.
    await until('nobody to listen any more', () => isRefused(stage.api.url))
    await database.query('commit')
    expect(await asked).toHaveLength(2)
    await closed
    await database.end()
  })
})

async function isRefused(url: string): Promise<boolean> {
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port) })
  try {
    await once(socket, 'connect')
    return false
  } catch {
    return true
  } finally {
    socket.destroy()
  }
}
