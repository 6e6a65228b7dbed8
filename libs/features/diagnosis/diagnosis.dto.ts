import { z } from 'zod'
import { requiredText } from '#platform/http/read-input.js'
import type { Diagnosis } from './diagnose-service-account.js'

export const diagnosedDto = z.strictObject({ id: requiredText(512) })

const RECENT =
  'The administrator authorised this less than a day ago. What is missing may be on its way: a change takes minutes as a rule, and up to 24 hours at Google and 2 hours in Exchange.'

export const toDiagnosisBody = ({ serviceAccount, checkedAt, outcome, recentlyAuthorised, steps }: Diagnosis) => ({
  service_account_id: serviceAccount.id,
  provider: serviceAccount.provider,
  organisation: { id: serviceAccount.organisationId, name: serviceAccount.organisationName },
  checked_at: checkedAt.toISOString(),
  outcome,
  note: outcome === 'broken' && recentlyAuthorised ? RECENT : null,
  steps: steps.map(({ outcome: result, ...step }) => ({ ...step, result })),
})

/** What {@link toDiagnosisBody} writes, as `/openapi.json` promises it. */
export const diagnosisAnswer = z.object({
  service_account_id: z.string(),
  provider: z.enum(['google', 'microsoft']),
  organisation: z.strictObject({ id: z.string(), name: z.string() }),
  checked_at: z.iso.datetime(),
  outcome: z.enum(['healthy', 'broken', 'unreachable']),
  note: z.string().nullable(),
  steps: z.array(
    z.strictObject({
      id: z
        .string()
        .meta({ description: 'Stable, e.g. `clock`, `credential`, `permission:<provider scope>`, `mailbox`.' }),
      label: z.string(),
      result: z.enum(['passed', 'failed', 'not-checked']),
      problem: z.string(),
      fix: z.string(),
      key: z.string().nullable().meta({ description: 'The error key, as in callbacks.' }),
      commands: z.array(z.string()).meta({ description: 'For the provider’s own shell, where pages are not the way.' }),
    }),
  ),
})
