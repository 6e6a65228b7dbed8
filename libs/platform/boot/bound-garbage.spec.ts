import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** In megabytes: what is alive; and what is replaced meanwhile by something that lives as long. */
const [ALIVE, REPLACED] = [32, 192]

/** Prints the most that the old part of the heap came to. */
const KEEPING = `
  import { getHeapSpaceStatistics } from 'node:v8'
  import { boundGarbage } from '#platform/boot/bound-garbage.js'
  if (process.argv[1] === 'bounded') boundGarbage()
  const kilobyte = () => new Array(125).fill(0)
  const kept = Array.from({ length: ${ALIVE * 1024} }, kilobyte)
  gc()
  let most = 0
  for (let n = 0; n < ${REPLACED * 1024}; n++) {
    kept[n % kept.length] = kilobyte()
    if (n % 1000 !== 0) continue
    const old = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space')
    most = Math.max(most, old.space_size)
  }
  console.log(most / 1024 / 1024)
`

/**
 * With much memory, with so little space for young objects that all grow old, and with no collecting on the side, so that
 * other work on this machine does not decide how much lies about.
 */
const V8 = ['--max-old-space-size=4096', '--max-semi-space-size=1', '--single-threaded-gc', '--expose-gc']

async function mostHeld(how: 'bounded' | 'as it comes'): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, [...V8, '--input-type=module', '--eval', KEEPING, how])
  return Number(stdout)
}

it('a process that goes on replacing what it keeps holds less garbage than V8 would let it', async () => {
  const [bounded, asItComes] = await Promise.all([mostHeld('bounded'), mostHeld('as it comes')])
  expect(bounded).toBeLessThan(0.8 * asItComes)
})
