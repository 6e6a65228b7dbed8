import { execFile, execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

const SCRIPT = join(import.meta.dirname, '../../dist/test/faults/rebinding.js')

const ADDRESSES = ['93.184.215.14/32', '169.254.169.254/32', '10.0.0.1/32', '100.64.0.1/32', 'fd00::1/128']
const SET_UP = ['ip link set lo up', ...ADDRESSES.map((address) => `ip addr add ${address} dev lo`)].join(' && ')

/** Linux alone has them, and a container may forbid them. */
function namespacesAreAllowed(): boolean {
  try {
    execFileSync('unshare', ['-rn', 'sh', '-c', SET_UP], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

const inNamespace = namespacesAreAllowed() ? it : it.skip

describe('names that change their mind (in a network namespace; left out where unshare is not allowed)', () => {
  inNamespace(
    'lead nowhere inside: no trap on loopback, private or metadata addresses is ever touched',
    async () => {
      const command = `${SET_UP} && exec "$0" "$1"`
      const run = promisify(execFile)
      const { stdout } = await run('unshare', ['-rn', 'sh', '-c', command, process.execPath, SCRIPT], {
        timeout: 60_000,
      })
      const { outcomes, touched, heard } = JSON.parse(stdout)
      const refused = 'egress.address_not_allowed'
      expect(touched).toEqual([])
      expect(outcomes).toEqual({
        'honest.test': ['200', '200', '200'],
        'rebinds.test': ['200', refused, refused],
        'rebinds-to-metadata.test': ['200', refused, refused],
        'mixed.test': [refused, refused, refused],
        'mixed-the-other-way.test': [refused, refused, refused],
        'inside-by-six.test': [refused, refused, refused],
        'mapped.test': [refused, refused, refused],
        'carrier.test': [refused, refused, refused],
      })
      expect(heard).toBe(5)
    },
    90_000,
  )
})
