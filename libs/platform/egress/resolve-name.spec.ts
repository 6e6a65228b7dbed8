import { pbkdf2 } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { Resolver } from 'node:dns/promises'
import { promisify } from 'node:util'
import { EgressPolicy } from './egress-policy.js'
import { resolveWith } from './resolve-name.js'

type Zone = Record<string, { A?: number[][]; AAAA?: number[][]; silent?: 'A' | 'AAAA' | 'both' }>

let dns: Socket
const asked: string[] = []

/** Answers like a name server; a name that is not in the zone does not exist, and a silent one never answers. */
async function resolverOf(zone: Zone, patience = { timeout: 1_000, tries: 1 }): Promise<Resolver> {
  dns = createSocket('udp4')
  dns.on('message', (query, from) => {
    const { name, type, question } = readQuestion(query)
    asked.push(`${name} ${type}`)
    const entry = zone[name]
    if (entry?.silent === type || entry?.silent === 'both') return
    dns.send(answer(query, question, type, entry?.[type], entry !== undefined), from.port, from.address)
  })
  await new Promise<void>((ready) => dns.bind(0, '127.0.0.1', ready))
  const resolver = new Resolver(patience)
  resolver.setServers([`127.0.0.1:${dns.address().port}`])
  return resolver
}

afterEach(() => {
  asked.length = 0
  dns.close()
})

const closed = new EgressPolicy()

describe('names of strangers', () => {
  it('resolve to all their addresses, of both families', async () => {
    const dns = await resolverOf({
      'both.test': {
        A: [
          [93, 184, 215, 14],
          [10, 0, 0, 1],
        ],
        AAAA: [[0x26, 6, 0x47, 0, ...Array(11).fill(0), 1]],
      },
    })
    expect(await resolveWith(closed, dns)('both.test')).toEqual(['93.184.215.14', '10.0.0.1', '2606:4700::1'])
  })

  it('resolve when only one family is there', async () => {
    const dns = await resolverOf({
      'four.test': { A: [[8, 8, 8, 8]] },
      'six.test': { AAAA: [[...Array(15).fill(0), 1]] },
    })
    expect(await resolveWith(closed, dns)('four.test')).toEqual(['8.8.8.8'])
    expect(await resolveWith(closed, dns)('six.test')).toEqual(['::1'])
  })

  it('resolve by what came when the other family gets no answer', async () => {
    const dns = await resolverOf({ 'half.test': { A: [[8, 8, 8, 8]], silent: 'AAAA' } })
    expect(await resolveWith(closed, dns)('half.test')).toEqual(['8.8.8.8'])
  })

  it('reject with the reason when there is nothing', async () => {
    const dns = await resolverOf({ 'empty.test': {}, 'mute.test': { silent: 'both' } })
    await expect(resolveWith(closed, dns)('absent.test')).rejects.toMatchObject({ code: 'ENOTFOUND' })
    await expect(resolveWith(closed, dns)('empty.test')).rejects.toMatchObject({ code: 'ENODATA' })
    await expect(resolveWith(closed, dns)('mute.test')).rejects.toMatchObject({ code: 'ETIMEOUT' })
  })

  it('with silent servers do not hold up the others', async () => {
    const mute = Array.from({ length: 20 }, (_, n) => `mute-${n}.test`)
    const zone: Zone = { 'quick.test': { A: [[8, 8, 8, 8]] } }
    for (const name of mute) zone[name] = { silent: 'both' }
    const resolve = resolveWith(closed, await resolverOf(zone, { timeout: 3_000, tries: 1 }))
    const waiting = mute.map((name) => resolve(name).catch(({ code }) => code))
    const started = performance.now()
    expect(await resolve('quick.test')).toEqual(['8.8.8.8'])
    expect(performance.now() - started).toBeLessThan(2_700)
    expect(await Promise.all(waiting)).toEqual(Array(20).fill('ETIMEOUT'))
  })

  it('do not wait for libuv threads, which getaddrinfo would', async () => {
    const resolve = resolveWith(closed, await resolverOf({ 'quick.test': { A: [[8, 8, 8, 8]] } }))
    const hash = promisify(pbkdf2)
    const busy = Array.from({ length: 8 }, () => hash('x', 'y', 1_000_000, 32, 'sha256')) // two for each thread
    let freed = false
    Promise.race(busy).then(() => {
      freed = true
    })
    expect(await resolve('quick.test')).toEqual(['8.8.8.8'])
    expect(freed).toBe(false)
    await Promise.all(busy)
  })
})

describe('names of this machine', () => {
  it.each(['localhost', 'a.b.localhost'])('%s is loopback, whatever the DNS says', async (name) => {
    const dns = await resolverOf({ [name]: { A: [[8, 8, 8, 8]] } })
    expect(await resolveWith(closed, dns)(name)).toEqual(['127.0.0.1', '::1'])
    expect(asked).toEqual([])
  })

  it('that the operator listed are asked of the system and not of the DNS', async () => {
    const dns = await resolverOf({})
    const host = '127.0.0.1' // the one name that every system resolves with no network and no hosts file
    expect(await resolveWith(new EgressPolicy({ allow: [{ host }] }), dns)(host)).toEqual([host])
    expect(asked).toEqual([])
  })
})

/** RFC 1035 section 4.1.2: labels, a zero, type and class. */
function readQuestion(query: Buffer) {
  const labels: string[] = []
  let at = 12
  while (query[at] !== 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + query[at]!))
    at += 1 + query[at]!
  }
  const type = query.readUInt16BE(at + 1) === 1 ? ('A' as const) : ('AAAA' as const)
  return { name: labels.join('.').toLowerCase(), type, question: query.subarray(12, at + 5) }
}

function answer(query: Buffer, question: Buffer, type: 'A' | 'AAAA', records: number[][] = [], exists = true): Buffer {
  const header = Buffer.alloc(12)
  query.copy(header, 0, 0, 2)
  header.writeUInt16BE(exists ? 0x8180 : 0x8183, 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(records.length, 6)
  const rows = records.map((bytes) =>
    Buffer.from([0xc0, 0x0c, 0, type === 'A' ? 1 : 28, 0, 1, 0, 0, 0, 0, 0, bytes.length, ...bytes]),
  )
  return Buffer.concat([header, question, ...rows])
}
