import { enableCompileCache } from 'node:module'
import { runCommand } from './run-command.js'

// Most of a short command is compiling what it loads; the next one finds that done.
enableCompileCache()

process.exitCode = await runCommand(process.argv.slice(2))
