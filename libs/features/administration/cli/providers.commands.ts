import type { Command } from 'commander'
import { JSON_OPTION } from '#platform/cli/options.js'
import type { RunStep } from '#platform/cli/run-step.js'

const FOR_CLIENT = [
  '--client <client-id>',
  'for this client alone, in place of the one that all clients share',
] as const
const UNTESTED = ['--untested', 'replaces it also where there is no mailbox to try the new one on'] as const
const SECRETS = `
A secret on the command line can be seen by every user of the machine. Give @file to read it from a file, or - for
standard input. What is stored is sealed and cannot be read again. What you leave out stays as it is.

A new credential is first tried on a mailbox of the organisations that it will act for, and refused with the reason when it
does not work. The one before it stays: "mandate providers rollback" goes back to it.`

/** `mandate providers …`. What a command does is loaded only when it runs, so that help comes at once. */
export function addProviderCommands(mandate: Command, run: RunStep) {
  const providers = mandate
    .command('providers')
    .description('what Mandate acts with at Google and Microsoft')
    .usage('<command> [options]')
    .helpCommand(false)
  const set = providers
    .command('set')
    .description("Sets the operator's own credential at a provider.")
    .usage('<google|microsoft> [options]')
    .helpCommand(false)

  set
    .command('google')
    .description('Sets the service account that acts, and the OAuth client with which administrators sign in.')
    .option(
      '--service-account <key.json>',
      'the JSON key file of a Google Cloud service account, or - for standard input; again for each older key',
      (path: string, others: string[] = []) => [...others, path],
    )
    .option('--workload-identity <config.json>', 'in place of a key: the configuration that gcloud writes')
    .option('--service-account-email <address>', 'with a workload identity: the service account that acts')
    .option('--service-account-id <id>', 'with a workload identity: its numeric client id')
    .option('--oauth-client-id <id>', 'OAuth client of the type "Web application", for signing in')
    .option('--oauth-client-secret <secret>', 'its secret, as @file, as - for standard input, or as it is')
    .option(...FOR_CLIENT)
    .option(...UNTESTED)
    .option(...JSON_OPTION)
    .addHelpText(
      'after',
      `${SECRETS}

Example:
  $ mandate providers set google --service-account key.json \\
      --oauth-client-id 1234-abcd.apps.googleusercontent.com --oauth-client-secret @oauth-secret.txt

While one key follows another, give both, the new one first. Without any key, a workload identity lets Google sign for
the service account; it needs the role Service Account Token Creator on it:
  $ mandate providers set google --workload-identity wif.json \\
      --service-account-email calendar@acme.iam.gserviceaccount.com --service-account-id 123456789012345678901

It prints the numeric client id that administrators put under domain-wide delegation in the Admin console. At Google
the OAuth client needs the redirect URI <MANDATE_PUBLIC_URL>/enterprise_connect/oauth/return/google`,
    )
    .action(async (options) => (await import('./providers.actions.js')).setGoogle(run, options))

  set
    .command('microsoft')
    .description('Sets the app registration that acts, and with which administrators sign in.')
    .requiredOption('--client-id <id>', 'application (client) ID, a GUID')
    .option('--cloud <cloud>', 'global (the default), us-government, us-dod or china: where the registration is')
    .option('--client-secret <secret>', "the secret's value, as @file, as - for standard input, or as it is")
    .option('--client-secret-expires <time>', 'when Entra says that the secret expires: 2027-01-31T00:00:00Z')
    .option('--certificate <cert.pem>', 'a certificate, and after it any chain')
    .option('--key <key.pem>', "the certificate's private key")
    .option('--pfx <file.pfx>', 'certificate and private key in one PKCS #12 file')
    .option(
      '--password <password>',
      'of the private key or the PFX file, as @file, as - for standard input, or as it is',
    )
    .option('--send-chain', 'sends the chain along (x5c), for registrations that trust an issuer and a subject name')
    .option(
      '--federated-token-file <path>',
      'a token of another issuer that the registration trusts; read anew each time',
    )
    .option(...FOR_CLIENT)
    .option(...UNTESTED)
    .option(...JSON_OPTION)
    .addHelpText(
      'after',
      `${SECRETS}

Give one proof: a secret, a certificate (--certificate and --key, or --pfx), or a federated token, for example the one
that workload identity projects into every pod. Mandate acts with it, and signs administrators in with it.

Examples:
  $ mandate providers set microsoft --client-id 11111111-2222-4333-8444-555555555555 --client-secret @secret.txt
  $ mandate providers set microsoft --client-id 11111111-2222-4333-8444-555555555555 --pfx app.pfx --password @password.txt

In Entra the registration needs the redirect URI <MANDATE_PUBLIC_URL>/enterprise_connect/oauth/return/microsoft`,
    )
    .action(async (options) => (await import('./providers.actions.js')).setMicrosoft(run, options))

  providers
    .command('rollback <google|microsoft>')
    .description('Goes back to the credential before this one; once more undoes it.')
    .option(...FOR_CLIENT)
    .option(...JSON_OPTION)
    .action(async (provider, options) => (await import('./providers.actions.js')).rollBack(run, provider, options))

  providers
    .command('show')
    .description('Shows what is set, for all clients and for single ones. Shows no secret.')
    .option(...JSON_OPTION)
    .action(async (options) => (await import('./providers.actions.js')).showProviders(run, options))
}
