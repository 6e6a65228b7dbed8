import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeDirectory } from './archive-file.js'

describe('the directory that archives go to', () => {
  const before = process.cwd()
  let ground: string

  beforeAll(async () => {
    ground = await mkdtemp(join(tmpdir(), 'mandate-archive-'))
    process.chdir(ground)
  })
  afterAll(async () => {
    process.chdir(before)
    await rm(ground, { recursive: true })
  })

  it.each(['a', './b/', 'c/d', ''])('is made for the operator alone where it is named “%s” from here', async (path) => {
    for (const named of [path, join(ground, 'absolute', path)]) {
      await makeDirectory(named || '.')
      await makeDirectory(named || '.')
      expect((await stat(named || '.')).mode & 0o777).toBe(0o700)
    }
  })
})
