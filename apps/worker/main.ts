import { runProcess } from '#platform/boot/run-process.js'
import { startWorker } from './start-worker.js'

await runProcess('service', startWorker)
