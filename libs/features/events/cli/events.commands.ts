import type { Command } from 'commander'
import { CURSOR_OPTION, JSON_OPTION, LIMIT_OPTION } from '#platform/cli/options.js'
import type { RunStep } from '#platform/cli/run-step.js'

/** `mandate events …`. What a command does is loaded only when it runs, so that help comes at once. */
export function addEventCommands(mandate: Command, run: RunStep) {
  const events = mandate
    .command('events')
    .description('what clients are told of: service accounts that fail or heal, credentials that expire')
    .usage('<command> [options]')
    .helpCommand(false)

  events
    .command('set-url <client-id> [url]')
    .description('Sets where a client is told of changes, on one of its callback origins; without a URL, nowhere.')
    .option(...JSON_OPTION)
    .addHelpText(
      'after',
      `
Each change is POSTed there and signed as callbacks are: webhook-id, webhook-timestamp and webhook-signature (Standard
Webhooks), and Cronofy-HMAC-SHA256. What is not heard is tried again for some 18 hours, always under the same webhook-id.`,
    )
    .action(async (id, url, options) => (await import('./events.actions.js')).setUrl(run, id, url, options))

  events
    .command('list')
    .description('Lists events, the newest first.')
    .option('--client <id>', 'those of one client')
    .option('--delivery <state>', 'only those that are waiting, delivered or abandoned')
    .option(...LIMIT_OPTION)
    .option(...CURSOR_OPTION)
    .option(...JSON_OPTION)
    .action(async (options) => (await import('./events.actions.js')).listEvents(run, options))

  events
    .command('redeliver [event-id]')
    .description('Tells an abandoned event once more, or all of one client.')
    .option('--client <id>', 'all of this client')
    .option(...JSON_OPTION)
    .action(async (id, options) => (await import('./events.actions.js')).redeliverEvents(run, id, options))
}
