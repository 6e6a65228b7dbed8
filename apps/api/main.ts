import { runProcess } from '#platform/boot/run-process.js'
import { startApi } from './start-api.js'

await runProcess('service', startApi)
