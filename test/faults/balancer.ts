import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** Spreads connections over some ports in turn, and knows nothing of what is said; one that does not answer is passed over. */
export async function startBalancer(listenPort: number, ports: readonly number[]) {
  const open = new Set<Socket>()
  let next = 0
  const server = createServer((caller) => {
    open.add(caller)
    caller.on('error', () => {}).on('close', () => open.delete(caller))
    const tryFrom = (left: number) => {
      if (left === 0) return caller.destroy()
      next = (next + 1) % ports.length
      const answerer = connect(ports[next]!, '127.0.0.1')
      answerer.once('error', () => tryFrom(left - 1))
      answerer.once('connect', () => {
        answerer.removeAllListeners('error').on('error', () => caller.destroy())
        answerer.on('close', () => caller.destroy())
        caller.on('close', () => answerer.destroy())
        caller.pipe(answerer).pipe(caller)
      })
    }
    tryFrom(ports.length)
  })
  server.listen(listenPort, '127.0.0.1')
  await once(server, 'listening')
  return () => {
    server.close()
    for (const socket of open) socket.destroy()
  }
}
