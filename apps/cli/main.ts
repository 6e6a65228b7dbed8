import { enableCompileCache } from 'node:module'
import { mandateCommand } from './mandate.command.js'
import { exitCodeOf, reportFailure } from './report-failure.js'

// Most of a short command is compiling what it loads; the next one finds that done.
enableCompileCache()

const json = process.argv.includes('--json')
try {
  await mandateCommand(json).parseAsync()
} catch (error) {
  reportFailure(error, json)
  process.exitCode = exitCodeOf(error)
}
