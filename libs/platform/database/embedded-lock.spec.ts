import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { holdingLock } from './embedded-lock.js'

describe('holdingLock', () => {
  let file: string

  beforeEach(async () => {
    file = join(await mkdtemp(join(tmpdir(), 'mandate-lock-')), 'lock')
  })
  afterEach(() => rm(join(file, '..'), { recursive: true }))

  it('lets nobody else in, and says which file is held when that does not end', async () => {
    await holdingLock(file, async () => {
      await expect(holdingLock(file, async () => 'in', { timeoutMs: 100 })).rejects.toThrow(file)
    })
  })

  it('lets in whoever has waited when the first is done, also when it failed', async () => {
    let waiting: Promise<string> | undefined
    const first = holdingLock(file, async () => {
      waiting = holdingLock(file, async () => 'in')
      throw new Error('of the first')
    })

    await expect(first).rejects.toThrow('of the first')
    expect(await waiting).toBe('in')
  })

  it('is free again when its holder was killed', async () => {
    const holder = spawn(process.execPath, [
      '-e',
      `const { DatabaseSync } = require('node:sqlite')
       globalThis.lock = new DatabaseSync(${JSON.stringify(file)})
       globalThis.lock.exec('PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE')
       console.log('held')
       setInterval(() => {}, 1000)`,
    ])
    await once(holder.stdout, 'data')
    const whileHeld = holdingLock(file, async () => 'in', { timeoutMs: 0 })
    await whileHeld.catch(() => {}).finally(() => holder.kill('SIGKILL'))
    await expect(whileHeld).rejects.toThrow(file)
    await once(holder, 'exit')

    expect(await holdingLock(file, async () => 'in')).toBe('in')
  })

  it('cannot be held by other users of the machine', async () => {
    await holdingLock(file, async () => {})

    expect((await stat(file)).mode & 0o777).toBe(0o600)
  })
})
