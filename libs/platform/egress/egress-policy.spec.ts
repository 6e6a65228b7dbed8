import { EgressPolicy, LOOPBACK_RULES, parseEgressAllow } from './egress-policy.js'

function policy(text: string) {
  const { rules, problems } = parseEgressAllow(text)
  expect(problems).toEqual([])
  return new EgressPolicy({ allow: rules })
}

describe('MANDATE_EGRESS_ALLOW', () => {
  it.each(['', '  ', ',', ' , ,'])('opens nothing when it is %j', (text) => {
    expect(parseEgressAllow(text)).toEqual({ rules: [], problems: [] })
  })

  it('reads addresses, CIDRs, hosts and suffixes', () => {
    const { rules, problems } = parseEgressAllow(
      '10.0.0.0/8, 192.168.1.7,fd00:1::/64,::1, Receiver.Corp, *.svc.cluster.local, xn--mller-kva.test,',
    )
    expect(problems).toEqual([])
    expect(rules).toHaveLength(7)
  })

  it.each([
    'https://receiver.corp',
    'receiver.corp:8080',
    'receiver.corp/path',
    '*',
    '*.',
    '*.*.corp',
    'a.*.corp',
    '*corp',
    '.corp',
    'corp.',
    'a..b',
    'müller.test',
    '-a.test',
    'a-.test',
    `${'a'.repeat(64)}.test`,
    '10',
    '10.0',
    '0x7f.1',
    '10.0.0.256',
    '10.0.0.010',
    '[::1]',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10.0.0.0/-1',
    '10.0.0.0/0x8',
    '::1/129',
    'host/24',
    'a b',
  ])('refuses %j', (item) => {
    const { rules, problems } = parseEgressAllow(item)
    expect(rules).toEqual([])
    expect(problems).toHaveLength(1)
  })

  it('reports every problem by its position, and keeps the value to itself', () => {
    const { rules, problems } = parseEgressAllow('10.0.0.0/8,s3cret://x,10.0.0.0/99,ok.test,,10.0.0.300')
    expect(rules).toHaveLength(2)
    expect(problems).toEqual([
      expect.stringMatching(/^item 2 is neither/),
      expect.stringMatching(/^item 3 has no valid prefix length: write \/0 to \/32/),
      expect.stringMatching(/^item 6 is neither/),
    ])
    expect(problems.join()).not.toMatch(/s3cret|99|300/)
  })
})

describe('the policy', () => {
  it('lets the public Internet through and nothing else by default', () => {
    const closed = new EgressPolicy()
    expect(closed.refusalOf('93.184.215.14', 'example.com')).toBeNull()
    expect(closed.refusalOf('10.0.0.1', 'example.com')).toBe(
      'a private address (RFC 1918), which the operator has not opened (MANDATE_EGRESS_ALLOW)',
    )
    expect(closed.unsafeAllowHttp).toBe(false)
  })

  it('opens a CIDR, also for the IPv6 addresses that reach it', () => {
    const open = policy('10.1.0.0/16')
    for (const address of ['10.1.0.1', '10.1.255.255', '::ffff:10.1.2.3', '64:ff9b::10.1.2.3']) {
      expect([address, open.refusalOf(address, 'x.test')]).toEqual([address, null])
    }
    for (const address of ['10.2.0.1', '10.0.255.255', '::ffff:10.2.0.1', '::10.1.2.3', '127.0.0.1', 'fd00::1']) {
      expect([address, open.refusalOf(address, 'x.test')]).not.toEqual([address, null])
    }
  })

  it('opens a single address and nothing beside it', () => {
    const open = policy('192.168.1.7,fd00:1::7')
    expect(open.refusalOf('192.168.1.7', 'x.test')).toBeNull()
    expect(open.refusalOf('fd00:1::7', 'x.test')).toBeNull()
    expect(open.refusalOf('192.168.1.8', 'x.test')).not.toBeNull()
    expect(open.refusalOf('fd00:1::8', 'x.test')).not.toBeNull()
  })

  it('opens a host wherever it leads, and no other name', () => {
    const open = policy('receiver.corp')
    expect(open.refusalOf('10.0.0.1', 'receiver.corp')).toBeNull()
    for (const host of ['evil-receiver.corp', 'a.receiver.corp', 'receiver.corp.evil.test', 'corp']) {
      expect([host, open.refusalOf('10.0.0.1', host)]).not.toEqual([host, null])
    }
  })

  it('opens the names below a suffix, but not the suffix itself nor a look-alike', () => {
    const open = policy('*.corp.test')
    expect(open.refusalOf('10.0.0.1', 'a.corp.test')).toBeNull()
    expect(open.refusalOf('10.0.0.1', 'b.a.corp.test')).toBeNull()
    for (const host of ['corp.test', 'evilcorp.test', 'a.corp.test.evil.test']) {
      expect([host, open.refusalOf('10.0.0.1', host)]).not.toEqual([host, null])
    }
  })

  it.each([
    '169.254.169.254',
    '::ffff:169.254.169.254',
    '64:ff9b::a9fe:a9fe',
    '2002:a9fe:a9fe::1',
    '::a9fe:a9fe',
    '168.63.129.16',
    '100.100.100.200',
    '192.0.0.192',
    'fd00:ec2::254',
    'fd20:ce::254',
    'fe80::a9fe:a9fe',
    '0.0.0.0',
    '::',
    '224.0.0.1',
    'ff02::1',
  ])('keeps %s closed even where everything is open', (address) => {
    const open = policy('0.0.0.0/0, ::/0, metadata.test, *.test')
    expect(open.refusalOf(address, 'metadata.test')).toMatch(/which nothing opens$/)
    expect(open.refusalOf('10.0.0.1', 'metadata.test')).toBeNull()
  })

  it('opens the machine itself by the loopback rules, and no network', () => {
    const open = new EgressPolicy({ allow: LOOPBACK_RULES })
    for (const address of ['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1'])
      expect(open.refusalOf(address, '')).toBeNull()
    for (const address of ['10.0.0.1', '192.168.0.1', 'fd00::1']) expect(open.refusalOf(address, '')).not.toBeNull()
  })
})
