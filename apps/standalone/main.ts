import { runProcess } from '#platform/boot/run-process.js'
import { startStandalone } from './start-standalone.js'
import { welcome } from './welcome.js'

await runProcess('standalone', async (settings, log) => {
  const running = await startStandalone(settings, log)
  process.stderr.write(welcome(settings))
  return running
})
