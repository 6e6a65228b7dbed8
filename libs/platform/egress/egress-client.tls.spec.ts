import { createServer } from 'node:https'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { allowUrl } from './allowed-url.js'
import { EgressClient } from './egress-client.js'
import { EgressPolicy, LOOPBACK_RULES } from './egress-policy.js'
import { listen } from './testing/receiver.js'

const policy = new EgressPolicy({ allow: LOOPBACK_RULES })
const authorities = getCACertificates('default')

let client: EgressClient
const stops: (() => Promise<void>)[] = []

beforeEach(() => {
  setDefaultCACertificates([...authorities, TEST_CERTIFICATE, EXPIRED_TEST_CERTIFICATE])
  client = new EgressClient(policy, async () => ['127.0.0.1'])
})

afterEach(async () => {
  setDefaultCACertificates(authorities)
  await client.close()
  await Promise.all(stops.splice(0).map((stop) => stop()))
})

/** Posts to a TLS receiver at 127.0.0.1 by this host name. */
async function postTo(host: string, cert = TEST_CERTIFICATE, headers: Record<string, string> = {}) {
  const names: string[] = []
  const server = createServer({ key: TEST_KEY, cert }, (request, response) => {
    names.push(`${'servername' in request.socket && request.socket.servername}`)
    response.end('reached')
  })
  const { port, close } = await listen(server)
  stops.push(close)
  const answer = client.post(allowUrl(`https://${host}:${port}/`, policy), {
    headers,
    body: '{}',
    totalTimeoutMs: 5_000,
  })
  return { names, outcome: await answer.catch((error) => error) }
}

describe('TLS at a pinned address', () => {
  it('reaches a trusted receiver, and asks for it by its name', async () => {
    const { names, outcome } = await postTo('receiver.test')
    expect(outcome).toMatchObject({ status: 200, bodyExcerpt: 'reached' })
    expect(names).toEqual(['receiver.test'])
  })

  it('reaches a receiver whose certificate names the address in the URL', async () => {
    expect((await postTo('127.0.0.1')).outcome).toMatchObject({ status: 200 })
  })

  it('refuses a certificate for another name, though the address is right', async () => {
    const { names, outcome } = await postTo('other.test')
    expect(outcome).toMatchObject({ code: 'egress.tls_failed', retry: 'later' })
    expect(outcome.publicText).toContain('other.test')
    expect(outcome.publicText).toContain('ERR_TLS_CERT_ALTNAME_INVALID')
    expect(names).toEqual([])
  })

  it('believes the URL and not a Host header about the name', async () => {
    const { names, outcome } = await postTo('other.test', TEST_CERTIFICATE, { host: 'receiver.test' })
    expect(outcome).toMatchObject({ code: 'egress.tls_failed' })
    expect(names).toEqual([])
  })

  it('refuses an expired certificate', async () => {
    const { outcome } = await postTo('receiver.test', EXPIRED_TEST_CERTIFICATE)
    expect(outcome).toMatchObject({
      code: 'egress.tls_failed',
      publicText: expect.stringContaining('CERT_HAS_EXPIRED'),
    })
  })

  it('refuses a certificate that nobody trusted has signed', async () => {
    setDefaultCACertificates(authorities)
    const { names, outcome } = await postTo('receiver.test')
    expect(outcome).toMatchObject({ code: 'egress.tls_failed', publicText: expect.stringContaining('SELF_SIGNED') })
    expect(names).toEqual([])
  })

  it('refuses a receiver that does not speak TLS', async () => {
    const { createServer } = await import('node:net')
    const plain = await listen(createServer((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n')))
    stops.push(plain.close)
    const answer = client.post(allowUrl(`https://receiver.test:${plain.port}/`, policy), {
      headers: {},
      body: '',
      totalTimeoutMs: 5_000,
    })
    await expect(answer).rejects.toMatchObject({ code: 'egress.tls_failed' })
  })
})

/*
 * For tests only and trusted nowhere else: self-signed for receiver.test and 127.0.0.1, one key for both. Made with
 * `openssl req -new` and `openssl ca -selfsign`; valid from 2000 until 2126, and from 2000 until 2001.
 */
const TEST_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgpVLm39FCd/eftY/3
Jq9zexGyqd4Ga9zqNr4X/0zjbZmhRANCAAQc7Y+2Kn1yOrnA4FJLicYi+X0l1930
er1qqZQH3B1qDc+UHMfzrxvmfsNjrzrcq3Bwy/8ExH58PfoD89kvJGM6
-----END PRIVATE KEY-----
`

const TEST_CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBqTCCAU6gAwIBAgIBATAKBggqhkjOPQQDAjA0MTIwMAYDVQQDDClNYW5kYXRl
IHRlc3QgY2VydGlmaWNhdGUsIHRydXN0ZWQgbm93aGVyZTAgFw0wMDAxMDEwMDAw
MDBaGA8yMTI2MDEwMTAwMDAwMFowNDEyMDAGA1UEAwwpTWFuZGF0ZSB0ZXN0IGNl
cnRpZmljYXRlLCB0cnVzdGVkIG5vd2hlcmUwWTATBgcqhkjOPQIBBggqhkjOPQMB
BwNCAAQc7Y+2Kn1yOrnA4FJLicYi+X0l1930er1qqZQH3B1qDc+UHMfzrxvmfsNj
rzrcq3Bwy/8ExH58PfoD89kvJGM6o08wTTAeBgNVHREEFzAVgg1yZWNlaXZlci50
ZXN0hwR/AAABMAwGA1UdEwEB/wQCMAAwHQYDVR0OBBYEFN8IQMca7In9NKojO68P
5YGInlMrMAoGCCqGSM49BAMCA0kAMEYCIQCqL5BXlzlM5ZDDvYmXqzy8n4/i1wlt
CUxy4cqd4VFleQIhANzU/34WrxzjirkB46AZv7+tIdIjgBOPAAbXz1Ch7FSh
-----END CERTIFICATE-----
`

const EXPIRED_TEST_CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBpjCCAUygAwIBAgIBATAKBggqhkjOPQQDAjA0MTIwMAYDVQQDDClNYW5kYXRl
IHRlc3QgY2VydGlmaWNhdGUsIHRydXN0ZWQgbm93aGVyZTAeFw0wMDAxMDEwMDAw
MDBaFw0wMTAxMDEwMDAwMDBaMDQxMjAwBgNVBAMMKU1hbmRhdGUgdGVzdCBjZXJ0
aWZpY2F0ZSwgdHJ1c3RlZCBub3doZXJlMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcD
QgAEHO2Ptip9cjq5wOBSS4nGIvl9Jdfd9Hq9aqmUB9wdag3PlBzH868b5n7DY686
3KtwcMv/BMR+fD36A/PZLyRjOqNPME0wHgYDVR0RBBcwFYINcmVjZWl2ZXIudGVz
dIcEfwAAATAMBgNVHRMBAf8EAjAAMB0GA1UdDgQWBBTfCEDHGuyJ/TSqIzuvD+WB
iJ5TKzAKBggqhkjOPQQDAgNIADBFAiAIMs9j/yIkjSeF0b04NrF9AgX3703jrmo4
/qdxqhZ5zQIhAO3flGKT4FeWaAogWq4lNCm5hWufxZ247ns1cVh9/yK3
-----END CERTIFICATE-----
`
