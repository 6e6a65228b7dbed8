import type { Command } from 'commander'
import type { RunStep } from '#platform/cli/run-step.js'

const JSON_OPTION = ['--json', 'print one JSON object instead of text'] as const

const repeatable = (value: string, before: string[] = []) => [...before, value]

/** `mandate clients …`. What a command does is loaded only when it runs, so that help comes at once. */
export function addClientCommands(mandate: Command, run: RunStep) {
  const clients = mandate
    .command('clients')
    .description('the applications that may call Mandate')
    .usage('<command> [options]')
    .helpCommand(false)

  clients
    .command('create')
    .description('Registers an application. Its secrets are shown once, here.')
    .requiredOption('--name <name>', 'what administrators read on the consent pages')
    .option(
      '--redirect-uri <url>',
      'where a browser may be sent back to, compared character by character; https, or http on loopback; repeatable',
      repeatable,
    )
    .option(
      '--callback-origin <origin>',
      'an origin such as https://app.acme.test whose URLs may be a callback_url; repeatable',
      repeatable,
    )
    .option(...JSON_OPTION)
    .addHelpText(
      'after',
      `
Example:
  $ mandate clients create --name "Acme Scheduler" --redirect-uri https://app.acme.test/connected \\
      --callback-origin https://app.acme.test

It prints the client_id and client_secret for the token endpoint, and the signing_secret with which the client
verifies callbacks (Standard Webhooks). None of the secrets can be read again; rotate-secret makes a new client_secret.`,
    )
    .action(async (options) => (await import('./clients.actions.js')).createClient(run, options))

  clients
    .command('list')
    .description('Lists every client, the newest first. Shows no secret.')
    .option(...JSON_OPTION)
    .action(async (options) => (await import('./clients.actions.js')).listClients(run, options))

  clients
    .command('show <client-id>')
    .description('Shows one client, and how many secrets of it are live until when.')
    .option(...JSON_OPTION)
    .action(async (id, options) => (await import('./clients.actions.js')).showClient(run, id, options))

  clients
    .command('rotate-secret <client-id>')
    .description('Makes a new client_secret and shows it once. The one before works for another 24 hours.')
    .option(...JSON_OPTION)
    .addHelpText(
      'after',
      `
Two secrets can be live at once. While they are, a further rotation is refused: somebody still uses the older one.
Callbacks are signed with every live secret meanwhile (Cronofy-HMAC-SHA256 then holds two values).`,
    )
    .action(async (id, options) => (await import('./clients.actions.js')).rotateSecret(run, id, options))

  clients
    .command('disable <client-id>')
    .description(
      'Shuts a client out and revokes all of its service accounts, at once. What it was granted stays on record.',
    )
    .option(...JSON_OPTION)
    .action(async (id, options) => (await import('./clients.actions.js')).disableClient(run, id, options))
}
