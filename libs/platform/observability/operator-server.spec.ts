import { Log } from './log.js'
import { listenForOperator, type OperatorServer } from './operator-server.js'

describe("the operator's port", () => {
  let server: OperatorServer
  beforeAll(async () => {
    server = await listenForOperator({ host: '127.0.0.1', port: 0 }, new Log('silent'))
  })
  afterAll(() => server.close())
  const at = (path: string, method = 'GET') => fetch(`http://127.0.0.1:${server.port}${path}`, { method })

  it('answers metrics of the process in the format of Prometheus', async () => {
    const answer = await at('/metrics')
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
    expect(await answer.text()).toMatch(/^process_resident_memory_bytes \d+/m)
  })

  it('measures once for several who look at about the same time', async () => {
    const [one, other] = await Promise.all([at('/metrics'), at('/metrics')])
    expect(await one.text()).toBe(await other.text())
  })

  it.each([
    ['/', 'GET', 404],
    ['/v1/userinfo', 'GET', 404],
    ['/metrics?x=1', 'GET', 404],
    ['/metrics', 'POST', 405],
  ])('%s by %s is %i', async (path, method, status) => {
    expect((await at(path, method)).status).toBe(status)
  })
})
