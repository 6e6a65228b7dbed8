import type { Command } from 'commander'
import { CURSOR_OPTION, JSON_OPTION, LIMIT_OPTION } from '#platform/cli/options.js'
import type { RunStep } from '#platform/cli/run-step.js'

/** `mandate service-accounts …`: organisations that administrators have authorised. */
export function addServiceAccountCommands(mandate: Command, run: RunStep) {
  const accounts = mandate
    .command('service-accounts')
    .description('the organisations that administrators have authorised, each for one client')
    .usage('<command> [options]')
    .helpCommand(false)

  accounts
    .command('list')
    .description('Lists service accounts, the revoked ones too.')
    .option('--client <id>', 'those of one client')
    .option(...LIMIT_OPTION)
    .option(...CURSOR_OPTION)
    .option(...JSON_OPTION)
    .action(async (options) => (await import('./service-accounts.actions.js')).listServiceAccounts(run, options))

  accounts
    .command('show <service-account-id>')
    .description('Shows one service account. Shows no secret.')
    .option(...JSON_OPTION)
    .action(async (id, options) => (await import('./service-accounts.actions.js')).showServiceAccount(run, id, options))

  accounts
    .command('rollback-credential <service-account-id>')
    .description('Goes back to what it acted with before its last consent; once more undoes it.')
    .option(...JSON_OPTION)
    .action(async (id, options) => (await import('./service-accounts.actions.js')).rollBackCredential(run, id, options))

  accounts
    .command('set-expiry <service-account-id> [time]')
    .description(
      "Says when an organisation's own secret expires (2027-01-31T00:00:00Z), so that it is warned of; nothing: unknown.",
    )
    .option(...JSON_OPTION)
    .action(async (id, time, options) =>
      (await import('./service-accounts.actions.js')).setExpiry(run, id, time, options),
    )

  accounts
    .command('revoke <service-account-id>')
    .description('Ends a service account and everything under it, at once and in every process.')
    .option(...JSON_OPTION)
    .addHelpText(
      'after',
      `
No token, code or refresh token under it works from then on, and what is under way is stopped. It cannot be undone: the
organisation's administrator has to authorise the client anew.`,
    )
    .action(async (id, options) =>
      (await import('./service-accounts.actions.js')).revokeServiceAccount(run, id, options),
    )
}
