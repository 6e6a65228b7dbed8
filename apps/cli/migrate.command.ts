import type { Command } from 'commander'

/** `mandate migrate`. */
export function addMigrateCommand(mandate: Command) {
  mandate
    .command('migrate')
    .description('Brings the schema up to this release, and ends.')
    .option('--json', 'print one JSON object instead of text')
    .addHelpText(
      'after',
      `
Every process does the same when it starts. This is for whoever wants it done beforehand, by a database user who may
create tables: the processes then start with one who may not. Needs DATABASE_URL (and REDIS_URL, if that is where the
queues are), and no keys.`,
    )
    .action(async (options) => (await import('./migrate.action.js')).migrateStores(options))
}
