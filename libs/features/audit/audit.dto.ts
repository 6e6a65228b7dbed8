import { z } from 'zod'
import type { AuditEvent } from '#domain/audit/audit-event.js'
import type { AuditHead } from '#domain/audit/audit-head.js'
import type { Month } from '#domain/audit/audit-months.js'
import type { Verification } from '#domain/audit/verify-chain.js'
import { requiredText } from '#platform/http/read-input.js'
import { limitDto, NOT_A_CURSOR } from '#platform/paging/paging.dto.js'
import type { ArchivedMonth, DueMonth } from './archive-audit.js'
import type { eventPageAnswer, headsAnswer, readersAnswer, verificationAnswer } from './audit-answers.js'
import type { EventPage } from './list-audit-events.js'
import type { AuditSelection } from './read-selection.js'
import type { MailboxReaders } from './show-readers.js'
import type { ArchiveVerification } from './verify-archives.js'

// `/admin/v1` and the CLI speak this one language.

const moment = requiredText(40)
  .refine((text) => /^\d{4}-\d\d-\d\d(T[\d:.]+Z)?$/.test(text) && !Number.isNaN(Date.parse(text)), {
    error: 'must be a day such as 2026-11-21, or a time in UTC such as 2026-11-21T13:00:00Z',
  })
  .transform((text) => new Date(text))

const selection = {
  client: requiredText(512).optional(),
  service_account: requiredText(512).optional(),
  organisation: requiredText(512).optional(),
  mailbox: requiredText(512).optional(),
  from: moment.optional(),
  until: moment.optional(),
}

type NamedSelection = z.infer<z.ZodObject<typeof selection>>

export const toSelection = ({ service_account: serviceAccount, ...rest }: NamedSelection): AuditSelection => ({
  ...rest,
  serviceAccount,
})

export const selectionDto = z.strictObject(selection)

const cursor = z
  .string()
  .regex(/^[\w-]{1,512}:\d{1,15}$/, NOT_A_CURSOR)
  .transform((text) => {
    const at = text.lastIndexOf(':')
    return { clientId: text.slice(0, at), sequence: Number(text.slice(at + 1)) }
  })

export const eventPageDto = z.strictObject({
  ...selection,
  limit: limitDto(100, 1000),
  cursor: cursor.optional(),
})

export const verificationDto = z.strictObject({ client: requiredText(512).optional() })

const day = requiredText(10)
  .refine((text) => /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)), {
    error: 'must be a day in UTC such as 2026-11-21',
  })
  .transform((text) => new Date(text))

export const addressDto = z.strictObject({ address: requiredText(512) })

export const dayDto = z.strictObject({ on: day })

export const archiveDto = z.strictObject({
  before: requiredText(7)
    .refine((text) => /^\d{4}-(0[1-9]|1[0-2])$/.test(text), { error: 'must be a month such as 2026-01' })
    .transform((text): Month => `${text}-01`),
  to: requiredText(4096).optional(),
  dry_run: z.boolean().default(false),
})

const headDto = z.object({
  client_id: z.string(),
  sequence: z.number(),
  hash: z.string(),
  signed_at: z.string(),
  signature: z.string(),
})

/** The last line of an export. */
export const sealDto = z.object({ export: z.object({ heads: z.array(headDto) }) })

const toEventBody = ({ details, ...event }: AuditEvent) => ({
  ...event,
  details: details && JSON.parse(details),
})

export const toEventPageBody = ({
  events,
  next,
  completeFrom,
  completeUntil,
}: EventPage): z.infer<typeof eventPageAnswer> => ({
  events: events.map(toEventBody),
  next_cursor: next && `${next.clientId}:${next.sequence}`,
  complete_from: completeFrom,
  complete_until: completeUntil.toISOString(),
})

export const toHeadsBody = (heads: AuditHead[], publicKey: string): z.infer<typeof headsAnswer> => ({
  heads,
  public_key: publicKey,
})

/** @param archives where they were verified, too */
export const toVerificationBody = (
  chains: Verification[],
  archives?: ArchiveVerification[],
): z.infer<typeof verificationAnswer> & { archives?: ArchiveVerification[] } => ({
  intact: chains.every(({ finding }) => finding === null) && !archives?.some(({ problem }) => problem !== null),
  chains: chains.map(({ clientId, ...rest }) => ({ client: clientId, ...rest })),
  ...(archives && { archives }),
})

export const toReadersBody = (
  mailbox: string,
  on: Date,
  { readers, completeFrom, completeUntil }: MailboxReaders,
): z.infer<typeof readersAnswer> => ({
  mailbox,
  on: on.toISOString().slice(0, 10),
  complete_from: completeFrom,
  complete_until: completeUntil.toISOString(),
  readers: readers.map((reader) => ({
    ...reader,
    granted_at: reader.granted_at.toISOString(),
    ended_at: reader.ended_at?.toISOString() ?? null,
    first_token_at: reader.first_token_at?.toISOString() ?? null,
    last_read_at: reader.last_read_at?.toISOString() ?? null,
  })),
})

export const toDueBody = (months: DueMonth[]) => ({
  would_archive: months.map(({ month, ...rest }) => ({ month: month.slice(0, 7), ...rest })),
})

export const toArchivedBody = (months: ArchivedMonth[]) => ({
  archived: months.map(({ month, ...rest }) => ({ month: month.slice(0, 7), ...rest })),
})
