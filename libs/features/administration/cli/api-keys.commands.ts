import type { Command } from 'commander'
import { CURSOR_OPTION, JSON_OPTION, LIMIT_OPTION } from '#platform/cli/options.js'
import type { RunStep } from '#platform/cli/run-step.js'

/** `mandate keys …`: what clients show at `/graphql`. */
export function addApiKeyCommands(mandate: Command, run: RunStep) {
  const keys = mandate
    .command('keys')
    .description('the API keys with which clients call /graphql')
    .usage('<command> [options]')
    .helpCommand(false)

  keys
    .command('create')
    .description('Makes an API key for a client. It is shown once, here.')
    .requiredOption('--client <client-id>', 'whose key it is')
    .requiredOption(
      '--scope <scope>',
      'what it may call, such as oauth-api:query:authorizations or oauth-api:mutation:*; repeatable',
      (value: string, before: string[] = []) => [...before, ...value.split(/\s+/).filter(Boolean)],
    )
    .option('--expires <when>', 'a date or a time, such as 2027-06-30; without it the key works until it is revoked')
    .option(...JSON_OPTION)
    .addHelpText(
      'after',
      `
Example:
  $ mandate keys create --client cli_0123 --scope "oauth-api:query:*" --scope "oauth-api:mutation:*"

The client sends it in the header x-api-key. A client may have several, each for what one of its programs does.`,
    )
    .action(async (options) => (await import('./api-keys.actions.js')).createApiKey(run, options))

  keys
    .command('list')
    .description('Lists API keys with their last use, the ended ones too. Shows no key.')
    .option('--client <client-id>', 'those of one client')
    .option(...LIMIT_OPTION)
    .option(...CURSOR_OPTION)
    .option(...JSON_OPTION)
    .action(async (options) => (await import('./api-keys.actions.js')).listApiKeys(run, options))

  keys
    .command('revoke <key-id>')
    .description('Ends an API key at once and in every process.')
    .option(...JSON_OPTION)
    .action(async (id, options) => (await import('./api-keys.actions.js')).revokeApiKey(run, id, options))
}
