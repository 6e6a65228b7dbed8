import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** A process of the bench's own: takes an order when it starts, and answers with what it has made ready. */
export async function startChild<Order extends object, Ready>(
  entry: string,
  order: Order,
): Promise<{ ready: Ready; child: ChildProcess } & AsyncDisposable> {
  const child = fork(join(import.meta.dirname, entry))
  child.send(order)
  const answer = once(child, 'message')
  const ended = once(child, 'exit').then(() => {
    throw new Error(`${entry} has ended`)
  })
  ended.catch(() => {})
  const [ready] = (await Promise.race([answer, ended])) as [Ready]
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exit = once(child, 'exit')
    child.kill()
    await exit
  }
  return { ready, child, [Symbol.asyncDispose]: stop }
}

export function onOrder<Order, Ready>(prepare: (order: Order) => Promise<Ready>): void {
  // The bench is gone: nobody else would end the servers and pools that are open here.
  process.once('disconnect', () => process.exit())
  process.once('message', async (order: Order) => process.send?.(await prepare(order)))
}
