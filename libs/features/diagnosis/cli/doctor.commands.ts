import type { Command } from 'commander'
import type { RunStep } from '#platform/cli/run-step.js'

/** `mandate doctor`. */
export function addDoctorCommands(mandate: Command, run: RunStep) {
  mandate
    .command('doctor <service-account-id>')
    .description('Finds out live what is wrong with a service account, and what would mend it.')
    .option('--json', 'print one JSON object instead of text')
    .addHelpText(
      'after',
      `
It tries, in this order: our clock, the credential, every permission by itself, the directory, rooms, and one mailbox.
Where Google says no more than "unauthorized_client", it names the scopes that the administrator has not added.

It changes nothing. What was said to fail and is found well is probed at once, and so comes back.

It ends with 0 when all is well, and with 1 when something is wrong or the provider did not answer.`,
    )
    .action(async (id, options) => (await import('./doctor.actions.js')).diagnose(run, id, options))
}
