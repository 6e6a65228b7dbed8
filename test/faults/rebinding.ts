import { createSocket } from 'node:dgram'
import { Resolver } from 'node:dns/promises'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { allowUrl } from '#platform/egress/allowed-url.js'
import { EgressClient } from '#platform/egress/egress-client.js'
import { EgressPolicy } from '#platform/egress/egress-policy.js'
import { resolveWith } from '#platform/egress/resolve-name.js'
import { EgressError } from '#platform/errors/egress-error.js'

// Runs in a network namespace of its own, where public-looking addresses are ours: real names, sockets and answers, and
// nothing leaves the machine. Prints what each call came to, and how often a trap was touched.

const PUBLIC = '93.184.215.14'
const TRAPS = ['127.0.0.1', '::1', '169.254.169.254', '10.0.0.1', '100.64.0.1', 'fd00::1']
const PORT = 80
const DNS_PORT = 5353

/** What a name resolves to, by type and by how often it was asked before; the last answer stays. */
const NAMES: Record<string, { A?: string[][]; AAAA?: string[][] }> = {
  'honest.test': { A: [[PUBLIC]] },
  'rebinds.test': { A: [[PUBLIC], ['127.0.0.1']] },
  'rebinds-to-metadata.test': { A: [[PUBLIC], ['169.254.169.254']] },
  'mixed.test': { A: [[PUBLIC, '10.0.0.1']] },
  'mixed-the-other-way.test': { A: [['10.0.0.1', PUBLIC]] },
  'inside-by-six.test': { A: [[PUBLIC]], AAAA: [['::1']] },
  'mapped.test': { A: [[PUBLIC]], AAAA: [['::ffff:127.0.0.1']] },
  'carrier.test': { A: [['100.64.0.1']] },
}

async function main() {
  const touched: string[] = []
  let heard = 0
  const receiver = createServer((_request, response) => {
    heard += 1
    // Not kept, so that each call looks the name up again.
    response.setHeader('connection', 'close').end()
  })
  await once(receiver.listen(PORT, PUBLIC), 'listening')
  for (const address of TRAPS) {
    const trap = createServer((_request, response) => response.end())
    trap.on('connection', () => touched.push(address))
    await once(trap.listen(PORT, address), 'listening')
  }
  await serveNames()

  const policy = new EgressPolicy({ unsafeAllowHttp: true })
  const dns = new Resolver({ timeout: 1000, tries: 2 })
  dns.setServers([`127.0.0.1:${DNS_PORT}`])
  const client = new EgressClient(policy, resolveWith(policy, dns))
  const outcomes: Record<string, string[]> = {}
  for (const name of Object.keys(NAMES))
    for (let call = 0; call < 3; call++) {
      const outcome = await client
        .post(allowUrl(`http://${name}/`, policy), { headers: {}, body: '{}', totalTimeoutMs: 5_000 })
        .then(({ status }) => String(status))
        .catch((error: unknown) => (error instanceof EgressError ? error.code : String(error)))
      outcomes[name] = [...(outcomes[name] ?? []), outcome]
    }
  process.stdout.write(JSON.stringify({ outcomes, touched, heard }))
  // Servers and connections are still open, and nobody needs them any more.
  process.exit()
}

async function serveNames() {
  const socket = createSocket('udp4')
  const asked = new Map<string, number>()
  socket.on('message', (query, from) => {
    const { name, type, end } = readQuestion(query)
    const key = `${name} ${type}`
    const times = asked.get(key) ?? 0
    asked.set(key, times + 1)
    const turns = NAMES[name]?.[type === 28 ? 'AAAA' : 'A'] ?? [[]]
    const answers = turns[Math.min(times, turns.length - 1)]!.map((address) => record(address, type))
    const header = Buffer.from(query.subarray(0, 12))
    header.writeUInt16BE(0x8180, 2)
    header.writeUInt16BE(answers.length, 6)
    header.writeUInt32BE(0, 8)
    socket.send(Buffer.concat([header, query.subarray(12, end), ...answers]), from.port, from.address)
  })
  socket.bind(DNS_PORT, '127.0.0.1')
  await once(socket, 'listening')
}

function readQuestion(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = []
  let at = 12
  for (let length = query[at]!; length > 0; length = query[at]!) {
    labels.push(query.toString('ascii', at + 1, at + 1 + length))
    at += length + 1
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 }
}

/** RFC 1035 section 4.1.3, the name as a pointer to the question, to be kept for no time at all. */
function record(address: string, type: number): Buffer {
  const bytes = type === 28 ? sixteenBytes(address) : Buffer.from(address.split('.').map(Number))
  const head = Buffer.from([0xc0, 0x0c, 0, type, 0, 1, 0, 0, 0, 0, 0, bytes.length])
  return Buffer.concat([head, bytes])
}

const sixteenBytes = (address: string) =>
  address.startsWith('::ffff:')
    ? Buffer.from([...Array(10).fill(0), 0xff, 0xff, ...address.slice(7).split('.').map(Number)])
    : Buffer.from([...Array(15).fill(0), 1])

await main()
