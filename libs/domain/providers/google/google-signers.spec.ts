import { SystemClock } from '#platform/clock/clock.js'
import { Secret } from '#platform/secrets/secret.js'
import type { GoogleHttp } from './google-http.js'
import { GoogleSigners } from './google-signers.js'
import { type OwnIdentity, WorkloadIdentity } from './workload-identity.js'

/** Cannot be opened at first, as when the library that it needs cannot be loaded for lack of file handles. */
class IdentityOpenedLate extends WorkloadIdentity {
  opened = 0

  override async open(): Promise<OwnIdentity> {
    this.opened += 1
    if (this.opened === 1) throw new Error('EMFILE')
    return async () => 'a token'
  }
}

describe('a signer without a key', () => {
  it('opens its identity anew after it could not, and then once for all', async () => {
    const identity = new IdentityOpenedLate(new SystemClock(), null, 1_000)
    const http = { call: async () => ({ signedJwt: 'an assertion' }) } as unknown as GoogleHttp
    const proof = { kind: 'workload-identity' as const, configuration: new Secret('{}') }
    const [signer] = new GoogleSigners(http, identity)
      .make({ provider: 'google', clientEmail: 'robot@acme.test', clientId: '108', proof })
      .inOrder(new Date())
    await expect(signer!.sign('{}')).rejects.toThrow('EMFILE')
    expect(await signer!.sign('{}')).toBe('an assertion')
    expect(await signer!.sign('{}')).toBe('an assertion')
    expect(identity.opened).toBe(2)
  })
})
