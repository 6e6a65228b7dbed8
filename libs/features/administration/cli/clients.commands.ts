import type { Command } from 'commander'
import { JSON_OPTION } from '#platform/cli/options.js'
import type { RunStep } from '#platform/cli/run-step.js'

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
    .command('rotate-user-secret <client-id>')
    .description('Makes a secret with which the client signs user tokens (HS256), and shows it once.')
    .option(...JSON_OPTION)
    .addHelpText(
      'after',
      `
A user token is a JWT with iss = client_id, aud = MANDATE_PUBLIC_URL, sub = the client's own id of the user, and exp at
most one hour after iat. The characters of the secret are the key as they stand. The secret before works for another
24 hours; while two are live a further one is refused. A client with a key pair of its own needs none: set-jwks.`,
    )
    .action(async (id, options) => (await import('./clients.actions.js')).rotateUserSecret(run, id, options))

  clients
    .command('end-user-secrets <client-id>')
    .description('Ends every secret for user tokens at once, for one that is in wrong hands.')
    .option(...JSON_OPTION)
    .action(async (id, options) => (await import('./clients.actions.js')).endUserSecrets(run, id, options))

  clients
    .command('set-jwks <client-id>')
    .description('Sets the public keys that verify user tokens (RS256, PS256, ES256), in place of those before.')
    .option('--jwks <file>', 'a JWKS with public keys, or - for standard input')
    .option(
      '--jwks-uri <url>',
      'where the client publishes its JWKS; it then rotates its keys by itself, each with a new kid',
    )
    .option('--none', 'takes away what was there')
    .option(...JSON_OPTION)
    .addHelpText(
      'after',
      `
Examples:
  $ mandate clients set-jwks cli_0123 --jwks-uri https://app.acme.test/.well-known/jwks.json
  $ mandate clients set-jwks cli_0123 --jwks jwks.json

What is published is fetched when a token comes, kept for ten minutes, and fetched again for a kid that is not known.
A host inside the operator's network has to be opened (MANDATE_EGRESS_ALLOW).`,
    )
    .action(async (id, options) => (await import('./clients.actions.js')).setJwks(run, id, options))

  clients
    .command('allow-provider-tokens <client-id>')
    .description("Lets a client exchange a mailbox's token for the provider's own (RFC 8693).")
    .option(...JSON_OPTION)
    .addHelpText(
      'after',
      `
No client may by default: it reads and writes through the proxy, which passes what concerns the one mailbox and stops
with the grant. A token of the provider's own works past the proxy until it expires, also when the grant ends before.`,
    )
    .action(async (id, options) => (await import('./clients.actions.js')).setProviderTokens(run, id, true, options))

  clients
    .command('forbid-provider-tokens <client-id>')
    .description("Gives a client no more tokens of the provider's own.")
    .option(...JSON_OPTION)
    .action(async (id, options) => (await import('./clients.actions.js')).setProviderTokens(run, id, false, options))

  clients
    .command('disable <client-id>')
    .description(
      'Shuts a client out and revokes all of its service accounts, at once. What it was granted stays on record.',
    )
    .option(...JSON_OPTION)
    .action(async (id, options) => (await import('./clients.actions.js')).disableClient(run, id, options))
}
