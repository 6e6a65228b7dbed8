import { z } from 'zod'
import { SERVICE_ACCOUNT_STATES, stateOf } from '#domain/credentials/service-account-states.js'
import { explainReason } from '#domain/providers/error-meaning.js'
import { requiredText } from '#platform/http/read-input.js'
import type { Diagnosis } from './diagnose-service-account.js'

export const diagnosedDto = z.strictObject({ id: requiredText(512) })

const RECENT =
  'The administrator authorised this less than a day ago. What is missing may be on its way: a change takes minutes as a rule, and up to 24 hours at Google and 2 hours in Exchange.'

export const toDiagnosisBody = ({ serviceAccount, checkedAt, outcome, recentlyAuthorised, steps }: Diagnosis) => ({
  service_account_id: serviceAccount.id,
  provider: serviceAccount.provider,
  organisation: { id: serviceAccount.organisationId, name: serviceAccount.organisationName },
  ...toStateBody(serviceAccount),
  checked_at: checkedAt.toISOString(),
  outcome,
  note: outcome === 'broken' && recentlyAuthorised ? RECENT : null,
  steps: steps.map(({ outcome: result, ...step }) => ({ ...step, result })),
})

/** What was known before the diagnosis, which changes nothing. */
const toStateBody = (serviceAccount: Diagnosis['serviceAccount']) => {
  const { state, since, reason } = stateOf(serviceAccount)
  return { state, state_since: since.toISOString(), state_reason: explainReason(reason) }
}

/** What {@link toDiagnosisBody} writes, as `/openapi.json` promises it. */
const diagnosisAnswer = z.object({
  service_account_id: z.string(),
  provider: z.enum(['google', 'microsoft']),
  organisation: z.strictObject({ id: z.string(), name: z.string() }),
  state: z
    .enum(SERVICE_ACCOUNT_STATES)
    .meta({ description: 'What was known before; a probe changes it, this does not.' }),
  state_since: z.iso.datetime(),
  state_reason: z.strictObject({ key: z.string(), problem: z.string(), fix: z.string() }).nullable(),
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

/** What both routes are described with. */
export const DIAGNOSIS = {
  summary: 'Find out what is wrong with a service account',
  details:
    'Tries everything live at the provider, which takes seconds. 200 also when something is wrong. Twenty times a minute for one service account, whoever asks.',
  answers: { 200: diagnosisAnswer },
}
