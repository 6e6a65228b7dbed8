import type { Command } from 'commander'
import { JSON_OPTION } from '#platform/cli/options.js'
import type { RunStep } from '#platform/cli/run-step.js'

/** `mandate audit …`. What a command does is loaded only when it runs, so that help comes at once. */
export function addAuditCommands(mandate: Command, run: RunStep) {
  const audit = mandate
    .command('audit')
    .description('who did what, and whether the record of it is whole')
    .usage('<command> [options]')
    .helpCommand(false)

  audit
    .command('verify')
    .description('Follows every chain and names the first row that was edited, deleted, reordered, planted or cut off.')
    .option('--client <id>', 'the chain of one client, or "operator" for what concerns no client')
    .option('--head <file>', 'an earlier export: also finds what was cut off together with its head')
    .option('--archive <directory>', 'what "mandate audit archive" wrote: also follows the chains through its files')
    .option(...JSON_OPTION)
    .addHelpText(
      'after',
      `
Without --archive each chain is followed from where it goes on since its older rows have left for an archive, which is
signed for. Ends with 1 when a row is not as it was written.`,
    )
    .action(async (options) => (await import('./audit.actions.js')).verifyAudit(run, options))

  audit
    .command('export')
    .description('Prints a part of the audit as lines of JSON; the last one holds the signed heads of its chains.')
    .option('--client <id>', 'what concerns one client')
    .option('--service-account <id>', 'what concerns one service account')
    .option('--organisation <id>', "an organisation, by its provider's id, with whatever client")
    .option('--mailbox <address>', 'what concerns one mailbox')
    .option('--from <time>', 'from this day or time (UTC) on')
    .option('--until <time>', 'before this day or time (UTC)')
    .addHelpText(
      'after',
      `
Example:
  $ mandate audit export --organisation C01abcdef --from 2026-11-01 > november.ndjson

The last line says how many lines there are before it, their SHA-256, and with which public key it was signed. Keep it
where whoever can write to the database cannot: "mandate audit verify --head november.ndjson" compares with it.`,
    )
    .action(async (options) => (await import('./audit.actions.js')).exportAudit(run, options))

  audit
    .command('archive')
    .description('Writes the months before one to files, verifies them, and drops them from the database.')
    .requiredOption('--before <month>', 'the first month that stays, such as 2026-01')
    .option('--to <directory>', 'where the files go; needed unless --dry-run')
    .option('--dry-run', 'only show what would leave')
    .option(...JSON_OPTION)
    .addHelpText(
      'after',
      `
Example:
  $ mandate audit archive --before 2026-01 --to /archive/mandate
  $ mandate audit verify --archive /archive/mandate

First every chain is verified. Then each month, the oldest first, becomes a file, audit-2025-12.ndjson: a line for each
row, and a last one that is signed, with where every chain goes on from. The file is read back and followed row by row
before its month is dropped. Killed, give the command again: it goes on in the files that it finds.

Needs a database user who owns the tables, as "mandate migrate" does. Lists, exports and "mandate audit mailbox" show
nothing of what has left.`,
    )
    .action(async (options) => (await import('./audit.actions.js')).archiveAudit(run, options))

  audit
    .command('mailbox <address>')
    .description('Tells who could read a mailbox on a day, and who did.')
    .requiredOption('--on <day>', 'a day in UTC, such as 2026-11-21')
    .option(...JSON_OPTION)
    .action(async (address, options) => (await import('./audit.actions.js')).showMailboxReaders(run, address, options))
}
