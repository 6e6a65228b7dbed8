import type { StandIn } from './core/stand-in.js'
import { startGoogle } from './google/google-stand-in.js'
import { startMicrosoft } from './microsoft/microsoft-stand-in.js'
import { type Receiver, startReceiver } from './receiver/receiver.js'
import { defaultSeed } from './seed/default-seed.js'
import type { SandboxSeed } from './seed/seed-schema.js'

export interface SandboxOptions {
  /** 0, the default, takes a free one; so for the others. */
  googlePort?: number
  microsoftPort?: number
  receiverPort?: number
  /** Left out: `defaultSeed()`. */
  seed?: SandboxSeed
}

export interface Sandbox {
  google: StandIn
  microsoft: StandIn
  receiver: Receiver
  stop(): Promise<void>
}

/** Starts every stand-in on loopback, or none: when one cannot start, those that did are stopped again. */
export async function startSandbox({
  googlePort = 0,
  microsoftPort = 0,
  receiverPort = 0,
  seed,
}: SandboxOptions = {}): Promise<Sandbox> {
  const world = seed ?? (await defaultSeed()).seed
  const started: StandIn[] = []
  const stop = async () => {
    await Promise.all(started.map((standIn) => standIn.close()))
  }
  const begun = async (starting: Promise<StandIn>) => {
    const standIn = await starting
    started.push(standIn)
    return standIn
  }
  try {
    const google = await begun(startGoogle({ port: googlePort, seed: world.google }))
    const microsoft = await begun(startMicrosoft({ port: microsoftPort, seed: world.microsoft }))
    const receiver = await startReceiver({ port: receiverPort })
    started.push(receiver.standIn)
    return { google, microsoft, receiver, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
