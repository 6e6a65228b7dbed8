import { BlockList } from 'node:net'
import fc from 'fast-check'
import { kindOf } from './address-kind.js'

const reachOf = (address: string) => kindOf(address).reach

describe('addresses on the public Internet', () => {
  it.each([
    '1.1.1.1',
    '8.8.8.8',
    '93.184.215.14',
    '172.15.255.255',
    '172.32.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '126.255.255.255',
    '128.0.0.0',
    '169.253.255.255',
    '169.255.0.0',
    '168.63.129.15',
    '168.63.129.17',
    '192.0.1.0',
    '192.167.255.255',
    '192.169.0.0',
    '198.17.255.255',
    '198.20.0.0',
    '223.255.255.255',
    '2606:4700:4700::1111',
    '2001:4860:4860::8888',
    '2a00:1450:4001:82a::200e',
    '2003::1',
    '3ffe::1',
    '::ffff:8.8.8.8',
    '64:ff9b::8.8.8.8',
  ])('%s is public', (address) => {
    expect(reachOf(address)).toBe('public')
  })
})

describe('addresses that only the operator can open', () => {
  it.each([
    ['127.0.0.1', 'loopback'],
    ['127.255.255.255', 'loopback'],
    ['::1', 'loopback'],
    ['::ffff:127.0.0.1', 'loopback'],
    ['64:ff9b::127.0.0.1', 'loopback'],
    ['10.0.0.0', 'private'],
    ['10.255.255.255', 'private'],
    ['172.16.0.1', 'private'],
    ['172.31.255.255', 'private'],
    ['192.168.1.1', 'private'],
    ['::ffff:10.1.2.3', 'private'],
    ['64:ff9b::192.168.0.1', 'private'],
    ['fc00::1', 'private'],
    ['fd12:3456:789a::1', 'private'],
    ['100.64.0.1', 'NAT'],
    ['100.127.255.255', 'NAT'],
    ['192.0.0.1', 'reserved'],
    ['192.0.2.1', 'reserved'],
    ['192.88.99.1', 'reserved'],
    ['198.18.0.1', 'reserved'],
    ['198.19.255.255', 'reserved'],
    ['198.51.100.7', 'reserved'],
    ['203.0.113.9', 'reserved'],
    ['240.0.0.1', 'reserved'],
    ['255.255.255.254', 'reserved'],
    ['fec0::1', 'reserved'],
    ['100::1', 'reserved'],
    ['2001:db8::1', 'reserved'],
    ['3fff::1', 'reserved'],
    ['2001:2::1', 'reserved'],
    ['2001:10::1', 'reserved'],
    ['2001:20::1', 'reserved'],
    ['5f00::1', 'reserved'],
    ['4000::1', 'reserved'],
    ['1::1', 'reserved'],
    ['fe00::1', 'reserved'],
  ])('%s is internal: %s', (address, word) => {
    expect(kindOf(address)).toEqual({ reach: 'internal', what: expect.stringContaining(word) })
  })
})

describe('addresses that nothing opens', () => {
  it.each([
    ['169.254.169.254', 'link-local'],
    ['169.254.170.2', 'link-local'],
    ['169.254.0.1', 'link-local'],
    ['fe80::1', 'link-local'],
    ['fe80::1%eth0', 'link-local'],
    ['febf::1', 'link-local'],
    ['::ffff:169.254.169.254', 'link-local'],
    ['64:ff9b::169.254.169.254', 'link-local'],
    ['168.63.129.16', 'metadata'],
    ['100.100.100.200', 'metadata'],
    ['192.0.0.192', 'metadata'],
    ['fd00:ec2::254', 'metadata'],
    ['fd00:ec2::23', 'metadata'],
    ['fd20:ce::254', 'metadata'],
    ['fd00:42::42', 'metadata'],
    ['::ffff:168.63.129.16', 'metadata'],
    ['0.0.0.0', 'unspecified'],
    ['0.1.2.3', 'unspecified'],
    ['::', 'unspecified'],
    ['::ffff:0.0.0.0', 'unspecified'],
    ['224.0.0.1', 'multicast'],
    ['239.255.255.250', 'multicast'],
    ['255.255.255.255', 'broadcast'],
    ['ff02::1', 'multicast'],
    ['::7f00:1', 'disguise'],
    ['::10.0.0.1', 'disguise'],
    ['::8.8.8.8', 'disguise'],
    ['::ffff:0:127.0.0.1', 'disguise'],
    ['2002:7f00:1::1', 'disguise'],
    ['2002:808:808::1', 'disguise'],
    ['2001:0:7f00:1::1', 'disguise'],
    ['64:ff9b:1::7f00:1', 'disguise'],
  ])('%s is never reached: %s', (address, word) => {
    expect(kindOf(address)).toEqual({ reach: 'never', what: expect.stringContaining(word) })
  })
})

describe('any address', () => {
  const ipv4 = fc.ipV4()
  const groupsOf = (address: string) => {
    const [a, b, c, d] = address.split('.').map(Number) as [number, number, number, number]
    return [(a << 8) | b, (c << 8) | d].map((group) => group.toString(16)).join(':')
  }

  it('is public exactly when no row of the IANA special-purpose registry holds it', () => {
    const special = new BlockList()
    const registry =
      '0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.31.196.0/24 ' +
      '192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/3 168.63.129.16/32'
    const ranges = registry.split(' ').map((cidr) => cidr.split('/') as [string, string])
    for (const [network, bits] of ranges) special.addSubnet(network, Number(bits))
    // Half of the samples are drawn from inside those ranges: most of them are too small to be met by chance.
    const inside = fc.tuple(fc.constantFrom(...ranges), fc.nat(0xffffff)).map(([[network], n]) => {
      const [a = '', b = '', c = ''] = network.split('.')
      return [`${a}.${b}.${c}.${n & 0xff}`, `${a}.${b}.${(n >> 8) & 0xff}.${n & 0xff}`][(n >> 16) & 1]!
    })
    fc.assert(
      fc.property(fc.oneof(ipv4, inside), (address) => (reachOf(address) === 'public') === !special.check(address)),
      { numRuns: 2_000 },
    )
  })

  it('is judged as the IPv4 host that it reaches', () => {
    fc.assert(
      fc.property(ipv4, (address) => {
        const kind = kindOf(address)
        expect(kindOf(`::ffff:${address}`)).toEqual(kind)
        expect(kindOf(`::ffff:${groupsOf(address)}`)).toEqual(kind)
        expect(kindOf(`64:ff9b::${groupsOf(address)}`)).toEqual(kind)
      }),
    )
  })

  it('is never reached where it hides an IPv4 host', () => {
    fc.assert(
      fc.property(
        ipv4.filter((address) => address !== '0.0.0.1'),
        fc.ipV4(),
        (address, other) => {
          const hidden = groupsOf(address)
          for (const disguise of [
            `::${hidden}`,
            `::ffff:0:${hidden}`,
            `2002:${hidden}::${groupsOf(other)}`,
            `2001:0:${groupsOf(other)}:0:0:${hidden}`,
            `64:ff9b:1::${hidden}`,
          ]) {
            expect([disguise, reachOf(disguise)]).toEqual([disguise, 'never'])
          }
        },
      ),
    )
  })

  it('of IPv6 is public only inside 2000::/3', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(0xffff), { minLength: 8, maxLength: 8 }), (groups) => {
        const address = groups.map((group) => group.toString(16)).join(':')
        if (reachOf(address) === 'public') expect(groups[0]! >> 13).toBe(1)
      }),
      { numRuns: 2_000 },
    )
  })
})
