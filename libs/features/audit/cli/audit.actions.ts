import { once } from 'node:events'
import type { Verification } from '#domain/audit/verify-chain.js'
import { type AnswerOptions, answer, table } from '#platform/cli/answer.js'
import { readFileArgument } from '#platform/cli/read-argument.js'
import type { RunStep } from '#platform/cli/run-step.js'
import { invalidField } from '#platform/errors/validation-error.js'
import { readInput } from '#platform/http/read-input.js'
import {
  addressDto,
  dayDto,
  sealDto,
  selectionDto,
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
  const onProgress = (client: string, rows: number, of: number) => {
    if (of > WORTH_TELLING && rows % WORTH_TELLING === 0) process.stderr.write(`${client}: ${rows} of ${of} rows\n`)
  }
  const chains = await run(VerifyAudit, (step) =>
    Array.fromAsync(step.verify({ clientId: options.client, kept, onProgress })),
  )
  const body = toVerificationBody(chains)
  answer(options, body, () => [
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

export async function showMailboxReaders(run: RunStep, address: string, options: AnswerOptions & { on: string }) {
  readInput(addressDto, { address })
  const { on } = readInput(dayDto, { on: options.on })
  const body = toReadersBody(address, on, await run(ShowReaders, (step) => step.show(address, on)))
  answer(options, body, () =>
    body.readers.length === 0
      ? [`Nobody could read ${address} on ${body.on}.`]
      : [
          table(
            ['CLIENT', 'ORGANISATION', 'SCOPE', 'GRANTED', 'ENDED', 'FIRST TOKEN', 'READ'],
            body.readers.map((reader) => [
              `${reader.client_name} (${reader.client_id})`,
              reader.organisation_name ?? 'connected by its owner',
              reader.scope.join(' '),
              reader.granted_at,
              reader.ended_at ?? 'not yet',
              reader.first_token_at ?? 'never',
              reader.last_read_at ? `last ${reader.last_read_at}` : 'no',
            ]),
          ),
        ],
  )
}

const inWords = ({ clientId, rows, finding }: Verification) =>
  finding
    ? `${clientId}: row ${finding.sequence} was ${finding.tampering}. ${finding.explanation}`
    : `${clientId}: ${rows} rows.`

async function readHeads(file: string) {
  const lines = (await readFileArgument('head', file)).trim().split('\n')
  try {
    return sealDto.parse(JSON.parse(lines.at(-1)!)).export.heads
  } catch {
    throw invalidField('head', 'errors.invalid', 'must be a file that "mandate audit export" wrote, to its last line')
  }
}
