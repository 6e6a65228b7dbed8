import type { Command } from 'commander'
import { CURSOR_OPTION, JSON_OPTION, LIMIT_OPTION } from '#platform/cli/options.js'
import type { RunStep } from '#platform/cli/run-step.js'

/** `mandate requests …`. What a command does is loaded only when it runs, so that help comes at once. */
export function addRequestCommands(mandate: Command, run: RunStep) {
  const requests = mandate
    .command('requests')
    .description('delegated access requests whose callback was given up')
    .usage('<command> [options]')
    .helpCommand(false)

  requests
    .command('list')
    .description(
      'Lists requests that were abandoned although there was something to tell, newest first, with the reason.',
    )
    .option('--service-account <id>', 'only those of this service account (ser_…)')
    .option('--host <host>', 'only those to this callback host, with its port where the URL has one')
    .option(...LIMIT_OPTION)
    .option(...CURSOR_OPTION)
    .option(...JSON_OPTION)
    .action(async (options) => (await import('./requests.actions.js')).listRequests(run, options))

  requests
    .command('redeliver [request-id]')
    .description('Calls back once more: for one request, or for all that were abandoned.')
    .option('--service-account <id>', 'all of this service account (ser_…)')
    .option('--host <host>', 'all to this callback host, with its port where the URL has one')
    .option(...JSON_OPTION)
    .addHelpText(
      'after',
      `
Each gets a fresh code under its old webhook-id. Workers take them up within seconds, as many at a time as they keep up
with; a host that still fails is spared by its breaker, and what waits for it is not lost.`,
    )
    .action(async (id, options) => (await import('./requests.actions.js')).redeliverRequests(run, id, options))
}
