import fc from 'fast-check'
import { EgressError } from '#platform/errors/egress-error.js'
import { allowUrl } from './allowed-url.js'
import { EgressPolicy, LOOPBACK_RULES, parseEgressAllow } from './egress-policy.js'

const closed = new EgressPolicy()
const loopback = new EgressPolicy({ allow: LOOPBACK_RULES })
const http = new EgressPolicy({ unsafeAllowHttp: true })

function refusalOf(url: string, policy = closed): EgressError | null {
  try {
    allowUrl(url, policy)
    return null
  } catch (error) {
    if (error instanceof EgressError) return error
    throw error
  }
}

const codeOf = (url: string, policy = closed) => refusalOf(url, policy)?.code ?? null

/** A table of URLs that contain no space. */
const words = (table: TemplateStringsArray) => table[0]!.trim().split(/\s+/)

describe('ordinary public URLs', () => {
  it.each(words`
    https://example.com https://example.com/ https://example.com/callbacks/mandate?client=7&x=a%20b
    https://EXAMPLE.com/CaseKept HTTPS://example.com/ https://example.com:443/ https://example.com:8443/cb
    https://example.com:80/ https://example.com:65535/ https://xn--mller-kva.example/cb
    https://a-b.c_d.example.co.uk/ https://example.com?no=path https://example.com/ünïcode?q=ß
    https://93.184.215.14/cb https://[2606:4700:4700::1111]/cb https://[2606:4700:4700:0:0:0:0:1111]:8443/cb
    https://127.0.0.1.example.com/ https://localhost.example.com/ https://example.com/a/../b
    https://example.com/{id} https://example.com/user@host?to=a@b.test
  `)('%s is allowed', (url) => {
    expect(codeOf(url)).toBeNull()
  })

  it('come back as what they name', () => {
    const url = allowUrl('https://Example.com:8443/a/b?c=d%20e', closed)
    expect([url.origin, url.pathname, url.search]).toEqual(['https://example.com:8443', '/a/b', '?c=d%20e'])
  })
})

describe('URLs that name an internal target', () => {
  it.each(words`
    https://127.0.0.1/ https://127.0.0.1:8443/ https://127.1/ https://127.0.1/ https://2130706433/
    https://0x7f000001/ https://0x7f.1/ https://0x7F.0x0.0x0.0x1/ https://017700000001/ https://0177.0.0.01/
    https://0177.0x0.0.1/ https://127.0.0.1./ https://%31%32%37.0.0.1/ https://127%2e0%2e0%2e1/ https://１２７.０.０.１/
    https://127。0。0。1/ https://①②⑦.0.0.1/ https:127.0.0.1 https:/127.0.0.1/ https:///127.0.0.1/
    https://127.000.000.001/ https://[::1]/ https://[::1]:8443/ https://[0:0:0:0:0:0:0:1]/ https://[0000::0001]/
    https://[::]/ https://[::ffff:127.0.0.1]/ https://[::ffff:7f00:1]/ https://[0:0:0:0:0:FFFF:7F00:0001]/
    https://[::7f00:1]/ https://[::127.0.0.1]/ https://[::ffff:0:7f00:1]/ https://[64:ff9b::7f00:1]/
    https://[64:ff9b::10.0.0.1]/ https://[64:ff9b:1::7f00:1]/ https://[2002:7f00:1::]/ https://[2001:0:7f00:1::]/
    https://[fe80::1]/ https://[fec0::1]/ https://[fc00::1]/ https://[fd00:ec2::254]/ https://[ff02::1]/
    https://[2001:db8::1]/ https://0.0.0.0/ https://0/ https://10.0.0.1/ https://172.16.0.1/ https://192.168.0.1/
    https://100.64.0.1/ https://169.254.169.254/latest https://2852039166/ https://0xa9fea9fe/
    https://168.63.129.16/ https://100.100.100.200/ https://192.0.0.192/ https://198.18.0.1/ https://224.0.0.1/
    https://240.0.0.1/ https://255.255.255.255/ https://4294967295/ https://203.0.113.1/ https://localhost/
    https://LOCALHOST/ https://localhost./ https://a.localhost/ https://ｌocalhost/ https://%6cocalhost/
  `)('%s is refused', (url) => {
    expect(codeOf(url)).toBe('egress.address_not_allowed')
  })

  it('are told apart from names of the operator, which are checked when dialled', () => {
    expect(codeOf('https://metadata.google.internal/')).toBeNull()
    expect(codeOf('https://intranet/')).toBeNull()
  })

  it('open where the operator opened them, and only there', () => {
    const open = new EgressPolicy({ allow: parseEgressAllow('10.0.0.0/8').rules })
    expect(codeOf('https://10.9.8.7/', open)).toBeNull()
    expect(codeOf('https://0x0a.9.8.7/', open)).toBe('egress.url_malformed')
    expect(codeOf('https://127.0.0.1/', open)).toBe('egress.address_not_allowed')
    expect(codeOf('https://169.254.169.254/', new EgressPolicy({ allow: parseEgressAllow('0.0.0.0/0').rules }))).toBe(
      'egress.address_not_allowed',
    )
  })
})

describe('URLs that read differently to another parser', () => {
  it.each([
    '',
    ' ',
    'example.com',
    '/cb',
    '//example.com/cb',
    'https://',
    'https:///',
    'https://?x',
    'https://:443/',
    'https:example.com',
    'https:/example.com/',
    'https:///example.com/',
    'https://example.com:99999/',
    'https://example.com:/',
    'https://exa mple.com/',
    'https://[::1',
    'https://[fe80::1%25eth0]/',
    ' https://example.com/',
    'https://example.com/ ',
    'https://example.com/\n',
    'https://exam\tple.com/',
    'https://exam\r\nple.com/',
    'ht\ntps://example.com/',
    'https://example.com\\@127.0.0.1/',
    'https:\\\\example.com\\',
    'https://example.com/\u0000',
    'https://example.com/\u200d',
    'https://example.com/\u202e',
    'https://exa\u00admple.com/',
    'https://example.com/a\u2028b',
    'https://example.com/\ud800',
    'https://example.com/\u00a0',
    'https://ex%61mple.com/',
    'https://ｅxample.com/',
    'https://example。com/',
    'https://müller.example/',
    'https://example.com./',
    'https://1572395042/',
    'https://0x5db8d70e/',
    'https://93.184.55054/',
    'https://[::ffff:8.8.8.8].example/',
    'https://example.com/#',
    'https://example.com/#f',
    `https://example.com/${'a'.repeat(2048)}`,
    'not a url',
    'https://127.0.0.١/',
    'https://256.256.256.256/',
    'https://1.2.3.4.5/',
  ])('%j is malformed', (url) => {
    expect(codeOf(url)).toBe('egress.url_malformed')
  })

  it('are answered with the plain form', () => {
    expect(refusalOf('https://müller.example/cb')?.publicText).toContain('write https://xn--mller-kva.example/')
    expect(refusalOf('https://0x5db8d70e:8443/')?.publicText).toContain('write https://93.184.215.14:8443/')
    expect(refusalOf('https://example.com./')?.publicText).toContain('write https://example.com/')
  })
})

describe('schemes', () => {
  it.each(words`
    ftp://example.com/ ws://example.com/ wss://example.com/ file:///etc/passwd javascript:alert(1) data:text/html,x
    gopher://example.com/ unix:/var/run/docker.sock mailto:a@example.com blob:https://example.com/x about:blank
    httpss://example.com/
  `)('%s is refused', (url) => {
    expect(codeOf(url, http)).toBe('egress.scheme_not_allowed')
  })

  it('http is refused by default, and teaches https', () => {
    expect(codeOf('http://example.com/')).toBe('egress.scheme_not_allowed')
    expect(refusalOf('http://example.com/')?.publicText).toContain('use https://')
  })

  it('http is for the machine itself where the operator opened it, and for nothing else then', () => {
    for (const url of [
      'http://localhost:3000/cb',
      'http://a.localhost:3000/',
      'http://127.0.0.1:3000/',
      'http://[::1]:3000/',
    ]) {
      expect([url, codeOf(url, loopback)]).toEqual([url, null])
    }
    for (const url of ['http://example.com/', 'http://93.184.215.14/', 'http://localhost.example.com/']) {
      expect([url, codeOf(url, loopback)]).toEqual([url, 'egress.scheme_not_allowed'])
    }
    const internal = new EgressPolicy({ allow: parseEgressAllow('10.0.0.0/8, receiver.corp').rules })
    expect(codeOf('http://10.0.0.1/', internal)).toBe('egress.scheme_not_allowed')
    expect(codeOf('http://receiver.corp/', internal)).toBe('egress.scheme_not_allowed')
  })

  it('http is for everything by the unsafe switch, which opens no address', () => {
    expect(codeOf('http://example.com/', http)).toBeNull()
    expect(codeOf('http://127.0.0.1/', http)).toBe('egress.address_not_allowed')
  })
})

describe('credentials and ports', () => {
  it.each([
    'https://u:p@example.com/',
    'https://u@example.com/',
    'https://:p@example.com/',
    'https://@example.com/',
    'https://a@b@example.com/',
    'https://example.com@127.0.0.1/',
  ])('%s is refused for its credentials, which the refusal does not repeat', (url) => {
    const refusal = refusalOf(url.replace('u:p', 'u:s3cret'))
    expect(refusal?.code).toBe('egress.credentials_in_url')
    expect(`${refusal?.message} ${refusal?.publicText}`).not.toContain('s3cret')
  })

  it.each([0, 1, 22, 25, 53, 79, 81, 389, 442, 444, 445, 1023])('port %i is refused', (port) => {
    expect(codeOf(`https://example.com:${port}/`)).toBe('egress.port_not_allowed')
    expect(codeOf(`https://127.0.0.1:${port}/`, loopback)).toBe('egress.port_not_allowed')
  })

  it.each([80, 443, 1024, 3000, 8080, 65535])('port %i is allowed', (port) => {
    expect(codeOf(`https://example.com:${port}/`)).toBeNull()
  })
})

describe('any spelling of a loopback address', () => {
  const digits = (n: number) =>
    fc.constantFrom(
      String(n),
      `0x${n.toString(16)}`,
      `0X${n.toString(16).toUpperCase()}`,
      `0${n.toString(8)}`,
      `000${n.toString(8)}`,
    )
  /** 127.a.b.c in one to four parts, each in any base, with letters and dots in disguise. */
  const spelling = fc
    .tuple(fc.nat(0xffffff), fc.integer({ min: 1, max: 4 }))
    .chain(([rest, count]) => {
      const bytes = [127, rest >> 16, (rest >> 8) & 255, rest & 255]
      const last = bytes.slice(count - 1).reduce((sum, byte) => sum * 256 + byte, 0)
      return fc.tuple(...[...bytes.slice(0, count - 1), last].map(digits))
    })
    .chain((parts) =>
      fc.tuple(
        fc.constant(parts),
        fc.constantFrom('.', '。', '．', '%2e'),
        fc.constantFrom('', '.'),
        fc.boolean(),
        fc.boolean(),
      ),
    )
    .map(([parts, dot, end, wide, percent]) => {
      const host = parts.join(dot) + end
      if (wide) return host.replace(/\d/, (digit) => String.fromCodePoint(0xff10 + Number(digit)))
      return percent && !host.startsWith('%')
        ? host.replace(/^./, (first) => `%${first.charCodeAt(0).toString(16)}`)
        : host
    })

  it('is refused as what it is', () => {
    fc.assert(
      fc.property(spelling, (host) => {
        expect([host, codeOf(`https://${host}:8443/cb`)]).toEqual([host, 'egress.address_not_allowed'])
      }),
      { numRuns: 1_000 },
    )
  })

  it('is taken only in its plain form where loopback is open', () => {
    fc.assert(
      fc.property(spelling, (host) => {
        const plain = new URL(`https://${host}/`).hostname
        expect([host, codeOf(`https://${host}/`, loopback)]).toEqual([
          host,
          host === plain ? null : 'egress.url_malformed',
        ])
      }),
    )
  })

  it('never throws anything but an EgressError, whatever the text', () => {
    const text = fc.oneof(
      fc.webUrl({ withQueryParameters: true, withFragments: true }),
      fc.string({ unit: 'binary' }),
      fc.string().map((s) => `https://${s}`),
    )
    fc.assert(
      fc.property(text, (raw) => refusalOf(raw) instanceof EgressError || allowUrl(raw, closed).protocol === 'https:'),
      { numRuns: 1_000 },
    )
  })
})
