import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'

export interface Receiver {
  port: number
  /** Requests, with their bodies, in order of arrival. */
  requests: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[]
  /** How many sockets have ever been opened to it. */
  connections: () => number
  /** How many of them are still open. */
  open: () => number
  close: () => Promise<void>
}

/** A real HTTP server on loopback that reads each request whole and then lets `answer` do as it likes. */
export async function startReceiver(answer: RequestListener): Promise<Receiver> {
  const requests: Receiver['requests'] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { method = '', url = '', headers } = request
    requests.push({ method, url, headers, body: Buffer.concat(chunks).toString() })
    answer(request, response)
  })
  return { requests, ...(await listen(server)) }
}

/** For answers that no HTTP server would give: the socket is handed over as soon as the request has begun to arrive. */
export async function startRawReceiver(answer: (socket: Socket) => void): Promise<Receiver> {
  return { requests: [], ...(await listen(createTcpServer((socket) => socket.once('data', () => answer(socket))))) }
}

export async function listen(server: Server, host = '127.0.0.1'): Promise<Omit<Receiver, 'requests'>> {
  const open = new Set<Socket>()
  let count = 0
  server.on('connection', (socket: Socket) => {
    count += 1
    open.add(socket)
    socket.on('error', () => {}).on('close', () => open.delete(socket))
  })
  await new Promise<void>((ready) => server.listen(0, host, ready))
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => count,
    open: () => open.size,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed())
        for (const socket of open) socket.destroy()
      }),
  }
}
