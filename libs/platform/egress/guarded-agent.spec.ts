import { createServer } from 'node:net'
import { until } from '#platform/testing/until.js'
import { type AllowedUrl, allowUrl } from './allowed-url.js'
import { EgressClient } from './egress-client.js'
import { EgressPolicy, LOOPBACK_RULES, parseEgressAllow } from './egress-policy.js'
import type { Resolve } from './resolve-name.js'
import { listen, type Receiver, startReceiver } from './testing/receiver.js'

/** 127.0.0.1 plays the public Internet; everything else is as closed as in production. */
const policy = new EgressPolicy({ allow: parseEgressAllow('127.0.0.1').rules, unsafeAllowHttp: true })

let target: Receiver
let client: EgressClient | undefined

beforeEach(async () => {
  target = await startReceiver((_request, response) => response.end('reached'))
})

afterEach(async () => {
  await client?.close()
  await target.close()
})

const clientWith = (resolve: Resolve, its = policy) => {
  client = new EgressClient(its, resolve)
  return client
}
const url = (host: string, port = target.port) => allowUrl(`http://${host}:${port}/`, policy)
const call = { headers: {}, body: '{}', totalTimeoutMs: 5_000 }

describe('a name', () => {
  it('is dialled at the address that was checked, with its own name in Host', async () => {
    const asked: string[] = []
    const egress = clientWith(async (name) => {
      asked.push(name)
      return ['127.0.0.1']
    })
    expect(await egress.post(url('receiver.test'), call)).toMatchObject({ bodyExcerpt: 'reached' })
    expect(asked).toEqual(['receiver.test'])
    expect(target.requests[0]?.headers.host).toBe(`receiver.test:${target.port}`)
  })

  it.each([
    '127.0.0.2',
    '10.0.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '168.63.129.16',
    '100.64.0.1',
    '0.0.0.0',
    '::',
    '::1',
    '::ffff:10.0.0.1',
    '::10.0.0.1',
    '64:ff9b::a00:1',
    '2002:a00:1::',
    'fe80::1%lo',
    'fd00:ec2::254',
    'ff02::1',
  ])('that leads to %s is refused for good, and the address stays in the log', async (address) => {
    const egress = clientWith(async () => [address])
    const error = await egress.post(url('rebound.test'), call).catch((refusal) => refusal)
    expect(error).toMatchObject({
      code: 'egress.address_not_allowed',
      retry: 'never',
      detail: expect.stringContaining(address),
    })
    expect(error.publicText).toContain('rebound.test')
    expect(error.publicText).not.toContain(address)
  })

  it.each([[['127.0.0.1', '10.0.0.1']], [['10.0.0.1', '127.0.0.1']], [['127.0.0.1', '::1']]])(
    'with a mixed answer is refused whole: %j',
    async (addresses) => {
      const egress = clientWith(async () => addresses)
      await expect(egress.post(url('mixed.test'), call)).rejects.toMatchObject({ code: 'egress.address_not_allowed' })
      expect(target.connections()).toBe(0)
    },
  )

  it('that changes its mind is refused at the next connection', async () => {
    const answers = [['127.0.0.1'], ['169.254.169.254'], ['127.0.0.1']]
    const egress = clientWith(async () => answers.shift()!)
    const once = { ...call, headers: { connection: 'close' } }
    expect(await egress.post(url('rebinding.test'), once)).toMatchObject({ status: 200 })
    await expect(egress.post(url('rebinding.test'), once)).rejects.toMatchObject({ code: 'egress.address_not_allowed' })
    expect(await egress.post(url('rebinding.test'), once)).toMatchObject({ status: 200 })
    expect(target.connections()).toBe(2)
  })

  it('is resolved once per connection, not once per check', async () => {
    let asked = 0
    const egress = clientWith(async () => {
      asked += 1
      return asked === 1 ? ['127.0.0.1'] : ['10.0.0.1']
    })
    expect(await egress.post(url('flipping.test'), call)).toMatchObject({ status: 200 })
    expect(asked).toBe(1)
  })

  it('never borrows the socket of another name', async () => {
    const egress = clientWith(async () => ['127.0.0.1'])
    for (const host of ['a.test', 'b.test', 'c.test']) await egress.post(url(host), call)
    expect(target.connections()).toBe(3)
    expect(target.requests.map(({ headers }) => headers.host)).toEqual(
      ['a', 'b', 'c'].map((host) => `${host}.test:${target.port}`),
    )
  })

  it('with several addresses is tried at each', async () => {
    const open = new EgressPolicy({ allow: LOOPBACK_RULES, unsafeAllowHttp: true })
    const egress = clientWith(async () => ['::1', '127.0.0.1'], open)
    expect(await egress.post(url('two.test'), call)).toMatchObject({ bodyExcerpt: 'reached' })
  })

  it('without an address can be tried again later', async () => {
    const none = clientWith(async () => [])
    await expect(none.post(url('none.test'), call)).rejects.toMatchObject({
      code: 'egress.name_not_resolved',
      retry: 'later',
    })
    const unknown = clientWith(async () => {
      throw Object.assign(new Error('queryA ENOTFOUND'), { code: 'ENOTFOUND' })
    })
    await expect(unknown.post(url('unknown.test'), call)).rejects.toMatchObject({
      code: 'egress.name_not_resolved',
      publicText: expect.stringContaining('ENOTFOUND'),
    })
  })

  it('whose DNS is silent takes the connect timeout and not the whole call', async () => {
    const egress = clientWith(() => new Promise(() => {}))
    const started = performance.now()
    await expect(egress.post(url('silent.test'), { ...call, totalTimeoutMs: 15_000 })).rejects.toMatchObject({
      code: 'egress.timed_out',
      publicText: expect.stringContaining('took no connection within 5 s'),
    })
    expect(performance.now() - started).toBeLessThan(8_000)
  })
})

describe('an address in the URL', () => {
  it.each(['127.0.0.2', '10.0.0.1', '[::1]', '[::ffff:10.0.0.1]', '169.254.169.254'])(
    '%s is checked again where it is dialled, though nothing resolves it',
    async (host) => {
      // No caller can write this: it shows that the last check does not rely on the first.
      const neverAllowed = new URL(`http://${host}:${target.port}/`) as unknown as AllowedUrl
      const egress = clientWith(() => Promise.reject(new Error('asked')))
      await expect(egress.post(neverAllowed, call)).rejects.toMatchObject({ code: 'egress.address_not_allowed' })
    },
  )

  it('is dialled without asking the DNS where it is allowed', async () => {
    const egress = clientWith(() => Promise.reject(new Error('asked')))
    expect(await egress.post(url('127.0.0.1'), call)).toMatchObject({ status: 200 })
  })
})

describe('sockets', () => {
  it('are kept for the next call to the same name', async () => {
    const egress = clientWith(async () => ['127.0.0.1'])
    for (let n = 0; n < 20; n++) await egress.post(url('a.test'), call)
    expect(target.requests).toHaveLength(20)
    expect(target.connections()).toBeLessThanOrEqual(2)
  })

  it('are bounded when thousands of hosts are called', async () => {
    const egress = clientWith(async () => ['127.0.0.1'])
    for (let n = 0; n < 600; n++) expect((await egress.post(url(`host-${n}.test`), call)).status).toBe(200)
    // Sooner than the 4 s after which idle sockets close by themselves.
    await until('the sockets beyond 256 origins to be closed', () => target.open() <= 256, { timeoutMs: 3_500 })
    expect(target.connections()).toBe(600)
  })

  it('of a silent handshake are given up with the deadline', async () => {
    const silent = await listen(createServer(() => {}))
    const egress = clientWith(async () => ['127.0.0.1'])
    const to = allowUrl(`https://silent.test:${silent.port}/`, policy)
    await expect(egress.post(to, { ...call, totalTimeoutMs: 100 })).rejects.toMatchObject({ code: 'egress.timed_out' })
    await silent.close()
  })
})
