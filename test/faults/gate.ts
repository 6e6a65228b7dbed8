import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { Secret } from '#platform/secrets/secret.js'

/** Stands before a store: shut, it is as if that were away, for whoever comes through here and nobody else. */
export class Gate {
  readonly #sockets = new Set<Socket>()
  readonly #server: Server
  #isShut = false

  private constructor(private readonly store: URL) {
    this.#server = createServer((socket) => this.#pass(socket))
  }

  static async before(store: Secret<string>): Promise<Gate> {
    const gate = new Gate(new URL(store.reveal()))
    await once(gate.#server.listen(0, '127.0.0.1'), 'listening')
    return gate
  }

  /** The store's URL, through here. */
  get url(): Secret<string> {
    const through = new URL(this.store)
    through.host = `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
    return new Secret(through.href)
  }

  shut(): void {
    this.#isShut = true
    for (const socket of this.#sockets) socket.destroy()
  }

  open(): void {
    this.#isShut = false
  }

  async close(): Promise<void> {
    this.shut()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #pass(socket: Socket): void {
    if (this.#isShut) return void socket.destroy()
    const onwards = connect(Number(this.store.port || 5432), this.store.hostname)
    for (const [one, other] of [
      [socket, onwards],
      [onwards, socket],
    ] as const) {
      this.#sockets.add(one)
      one
        .on('error', () => {})
        .on('close', () => {
          this.#sockets.delete(one)
          other.destroy()
        })
      one.pipe(other)
    }
  }
}
