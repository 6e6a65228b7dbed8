import type { Command } from 'commander'
import { JSON_OPTION } from '#platform/cli/options.js'
import type { RunStep } from '#platform/cli/run-step.js'

/** `mandate secrets …`. */
export function addSecretsCommands(mandate: Command, run: RunStep) {
  const secrets = mandate
    .command('secrets')
    .description('the keys that secrets at rest are sealed with')
    .usage('<command> [options]')
    .helpCommand(false)

  secrets
    .command('status')
    .description('Shows how much hangs on which master key, and whether an old one may be removed.')
    .option(...JSON_OPTION)
    .action(async (options) => (await import('./secrets.actions.js')).showStatus(run, options))

  secrets
    .command('rotate')
    .description('Brings everything sealed under the first key of MANDATE_ENCRYPTION_KEYS, while Mandate runs.')
    .option('--data-keys', 'give every client a new data key first, and seal its values anew')
    .option(...JSON_OPTION)
    .addHelpText(
      'after',
      `
It works in batches. Killed, it is run again and goes on where it was; without --data-keys, which would begin anew.
How a master key is replaced, step by step, is in docs/operations.md.

Example:
  $ mandate secrets rotate && mandate secrets status`,
    )
    .action(async (options) => (await import('./secrets.actions.js')).rotate(run, options))
}
