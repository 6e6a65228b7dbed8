import { once } from 'node:events'
import type { Month } from '#domain/audit/audit-months.js'
import type { Verification } from '#domain/audit/verify-chain.js'
import { type AnswerOptions, answer, table } from '#platform/cli/answer.js'
import { readFileArgument } from '#platform/cli/read-argument.js'
import type { RunStep } from '#platform/cli/run-step.js'
import { invalidField } from '#platform/errors/validation-error.js'
import { readInput } from '#platform/http/read-input.js'
import { ArchiveAudit, type ArchivedMonth } from '../archive-audit.js'
import {
  addressDto,
  archiveDto,
  dayDto,
  sealDto,
  selectionDto,
  toArchivedBody,
  toDueBody,
  toReadersBody,
  toSelection,
  toVerificationBody,
} from '../audit.dto.js'
import { ExportAudit } from '../export-audit.js'
import { ShowReaders } from '../show-readers.js'
import { VerifyAudit } from '../verify-audit.js'

interface VerifyOptions extends AnswerOptions {
  client?: string
  head?: string
  archive?: string
}

interface ArchiveOptions extends AnswerOptions {
  before: string
  to?: string
  dryRun?: boolean
}

interface ExportOptions {
  client?: string
  serviceAccount?: string
  organisation?: string
  mailbox?: string
  from?: string
  until?: string
}

/** Shorter chains are followed before anybody wonders. */
const WORTH_TELLING = 50_000

export async function verifyAudit(run: RunStep, options: VerifyOptions) {
  const kept = options.head ? await readHeads(options.head) : undefined
  const { chains, archives } = await run(VerifyAudit, async (step) => ({
    chains: await Array.fromAsync(step.verify({ clientId: options.client, kept, onProgress })),
    archives: options.archive ? await Array.fromAsync(step.inFiles(options.archive, kept)) : undefined,
  }))
  const body = toVerificationBody(chains, archives)
  answer(options, body, () => [
    ...(archives ?? []).map(({ archive, lines, problem }) => `${archive}: ${problem ?? `${counted(lines)}.`}`),
    ...chains.map(inWords),
    body.intact ? 'Every row is as it was written.' : 'The audit is not as it was written.',
  ])
  if (!body.intact) process.exitCode = 1
}

export async function exportAudit(run: RunStep, { serviceAccount: service_account, ...rest }: ExportOptions) {
  const selection = toSelection(readInput(selectionDto, { ...rest, service_account }))
  await run(ExportAudit, async (step) => {
    for await (const line of step.export(selection))
      if (!process.stdout.write(`${line}\n`)) await once(process.stdout, 'drain')
  })
}

export async function archiveAudit(run: RunStep, { json, dryRun: dry_run, ...rest }: ArchiveOptions) {
  const { before, to, dry_run: isTrial } = readInput(archiveDto, { ...rest, dry_run })
  if (isTrial) return showDueMonths(run, before, { json })
  if (!to) throw invalidField('to', 'errors.required', 'is needed: the directory that the files go to')
  const months: ArchivedMonth[] = []
  const onArchived = (archived: ArchivedMonth) => {
    months.push(archived)
    // Should a later one fail, this is what has been done.
    if (!json) process.stderr.write(`${archived.month.slice(0, 7)} is in ${archived.file}\n`)
  }
  await run(ArchiveAudit, (step) => step.archive(before, to, { onProgress, onArchived }))
  answer({ json }, toArchivedBody(months), () =>
    months.length === 0
      ? [nothingBefore(before)]
      : [
          table(
            ['MONTH', 'ROWS', 'SHA-256', 'FILE'],
            months.map(({ month, lines, sha256, file }) => [month.slice(0, 7), String(lines), sha256, file]),
          ),
          'They are dropped from the database. Keep the files: what is in them is nowhere else.',
        ],
  )
}

async function showDueMonths(run: RunStep, before: Month, options: AnswerOptions) {
  const months = await run(ArchiveAudit, (step) => Array.fromAsync(step.due(before)))
  answer(options, toDueBody(months), () =>
    months.length === 0
      ? [nothingBefore(before)]
      : [
          table(
            ['MONTH', 'ROWS', 'CHAINS', 'ON DISK'],
            months.map(({ month, rows, chains, bytes }) => [
              ...[month.slice(0, 7), String(rows), String(chains), inMegabytes(bytes)],
            ]),
          ),
          'Nothing was written or dropped.',
        ],
  )
}

const nothingBefore = (month: Month) => `The audit has nothing from before ${month.slice(0, 7)}.`

export async function showMailboxReaders(run: RunStep, address: string, options: AnswerOptions & { on: string }) {
  readInput(addressDto, { address })
  const { on } = readInput(dayDto, { on: options.on })
  const body = toReadersBody(address, on, await run(ShowReaders, (step) => step.show(address, on)))
  const isOnRecord = (time: string) => time >= (body.complete_from ?? '')
  answer(options, body, () =>
    body.readers.length === 0
      ? [`Nobody could read ${address} on ${body.on}.`]
      : [
          table(
            [
              'CLIENT',
              'ORGANISATION',
              'SCOPE',
              'GRANTED',
              'ENDED',
              'FIRST TOKEN',
              'READ',
              'CHANGED',
              "PROVIDER'S TOKENS",
            ],
            body.readers.map((reader) => [
              `${reader.client_name} (${reader.client_id})`,
              reader.organisation_name ?? 'connected by its owner',
              reader.scope.join(' '),
              reader.granted_at,
              reader.ended_at ?? 'not yet',
              reader.first_token_at ?? (isOnRecord(reader.granted_at) ? 'never' : 'in the archive'),
              reader.last_read_at ? `last ${reader.last_read_at}` : 'no',
              String(reader.changes),
              String(reader.provider_tokens),
            ]),
          ),
        ],
  )
}

function onProgress(what: string, rows: number, of: number) {
  if (of > WORTH_TELLING && rows % WORTH_TELLING === 0) process.stderr.write(`${what}: ${rows} of ${of} rows\n`)
}

function inWords({ clientId, rows, archived, finding }: Verification) {
  if (finding) return `${clientId}: row ${finding.sequence} was ${finding.tampering}. ${finding.explanation}`
  return archived > 0
    ? `${clientId}: ${counted(rows)}, behind ${archived} that are archived.`
    : `${clientId}: ${counted(rows)}.`
}

const counted = (rows: number) => (rows === 1 ? '1 row' : `${rows} rows`)

const inMegabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`

async function readHeads(file: string) {
  const lines = (await readFileArgument('head', file)).trim().split('\n')
  try {
    return sealDto.parse(JSON.parse(lines.at(-1)!)).export.heads
  } catch {
    throw invalidField('head', 'errors.invalid', 'must be a file that "mandate audit export" wrote, to its last line')
  }
}
