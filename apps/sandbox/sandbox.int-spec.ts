import { freePort } from '../demo/free-port.js'
import { startSandbox } from './sandbox.js'

describe('the sandbox', () => {
  it('starts all of its stand-ins on loopback, and stops them', async () => {
    const sandbox = await startSandbox()
    const urls = [sandbox.google.url, sandbox.microsoft.url, sandbox.receiver.url]
    for (const url of urls) {
      expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
      expect(await (await fetch(`${url}/__sandbox/`)).json()).toMatchObject({ about: expect.any(String) })
    }
    await sandbox.stop()
    for (const url of urls) await expect(fetch(url)).rejects.toThrow('fetch failed')
  })

  it('starts nothing when one port is taken, and says which', async () => {
    const first = await startSandbox()
    const taken = Number(new URL(first.microsoft.url).port)
    const googlePort = await freePort()
    await expect(startSandbox({ googlePort, microsoftPort: taken })).rejects.toMatchObject({
      code: 'EADDRINUSE',
      port: taken,
    })
    await expect(fetch(`http://127.0.0.1:${googlePort}`)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } })
    await first.stop()
  })
})
