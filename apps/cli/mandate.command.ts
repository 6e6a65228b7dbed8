import type { Type } from '@nestjs/common'
import { Command } from 'commander'
import { addApiKeyCommands } from '#features/administration/cli/api-keys.commands.js'
import { addClientCommands } from '#features/administration/cli/clients.commands.js'
import { addProviderCommands } from '#features/administration/cli/providers.commands.js'
import { addSecretsCommands } from '#features/administration/cli/secrets.commands.js'
import { addServiceAccountCommands } from '#features/administration/cli/service-accounts.commands.js'
import { addAuditCommands } from '#features/audit/cli/audit.commands.js'
import { addRequestCommands } from '#features/delegated-access/cli/requests.commands.js'
import { addDoctorCommands } from '#features/diagnosis/cli/doctor.commands.js'
import { addEventCommands } from '#features/events/cli/events.commands.js'
import type { RunStep } from '#platform/cli/run-step.js'
import { addMigrateCommand } from './migrate.command.js'

/**
 * Every command there is. What a command does is loaded only when it runs.
 * @param json what is typed decides the answer's form even when the rest of it cannot be parsed
 */
export function mandateCommand(json: boolean): Command {
  const mandate = new Command('mandate')
    .description('Looks after a Mandate installation: who may call it, and what it acts with at Google and Microsoft.')
    .usage('<command> [options]')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ writeErr: (text) => json || process.stderr.write(text) })
    .showHelpAfterError('Add --help to see what this command takes.')
    .addHelpText(
      'after',
      `
It works on DATABASE_URL, or on the embedded database of MANDATE_DATA_DIR (.mandate), whether Mandate is running or not.
With --json a command prints one JSON object on stdout; a failure is one JSON object on stderr.
Exit codes: 0 done, 1 refused or failed, 2 a mistake in the command line.

Examples:
  $ mandate clients create --name "Acme Scheduler" --redirect-uri https://app.acme.test/connected \\
      --callback-origin https://app.acme.test
  $ mandate providers set google --service-account key.json
  $ mandate clients rotate-secret --help

In a clone, "npm run --silent mandate -- <command>" runs it. README.md walks through a whole set-up;
docs/configuration.md lists every variable.`,
    )

  addClientCommands(mandate, administration)
  addApiKeyCommands(mandate, administration)
  addProviderCommands(mandate, registrations)
  addSecretsCommands(mandate, administration)
  addServiceAccountCommands(mandate, administration)
  addRequestCommands(mandate, deadLetters)
  addAuditCommands(mandate, audit)
  addDoctorCommands(mandate, diagnosis)
  addEventCommands(mandate, events)
  addMigrateCommand(mandate)
  return mandate
}

/** A feature is loaded when a command of it runs, so that help and mistakes are answered at once. */
const stepsOf =
  (load: () => Promise<Type>): RunStep =>
  async (step, work) =>
    (await import('./run-step.js')).runStep(await load(), step, work)

const administration = stepsOf(
  async () => (await import('#features/administration/administration.module.js')).AdministrationModule,
)
const registrations = stepsOf(
  async () => (await import('#features/administration/registrations.module.js')).RegistrationsModule,
)
const deadLetters = stepsOf(
  async () => (await import('#features/delegated-access/dead-letters.module.js')).DeadLettersModule,
)
const audit = stepsOf(
  async () => (await import('#features/audit/audit-administration.module.js')).AuditAdministrationModule,
)
const events = stepsOf(async () => (await import('#features/events/events.module.js')).EventsModule)
const diagnosis = stepsOf(async () => (await import('#features/diagnosis/diagnosis.module.js')).DiagnosisModule)
