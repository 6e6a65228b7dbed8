import { z } from 'zod'
import { SERVICE_ACCOUNT_STATES } from '#domain/credentials/service-account-states.js'
import { timeAnswer } from '#platform/http/openapi/answers.js'
import { nextCursorAnswer } from '#platform/paging/paging.dto.js'

// What `service-account.dto` writes, as `/openapi.json` promises it.

export const revokedCounts = { grants: z.int(), codes: z.int(), tokens: z.int(), requests: z.int() }

const account = {
  service_account_id: z.string().meta({ description: 'Begins with `ser_`.' }),
  client_id: z.string(),
  state: z.enum(SERVICE_ACCOUNT_STATES),
  state_since: timeAnswer,
  state_reason: z
    .strictObject({ key: z.string(), problem: z.string(), fix: z.string() })
    .nullable()
    .meta({ description: 'What keeps it from being active.' }),
  probed_next_at: timeAnswer.nullable().meta({ description: 'Null while nothing speaks against it.' }),
  provider: z.enum(['google', 'microsoft']),
  organisation: z.strictObject({ id: z.string(), name: z.string(), domains: z.array(z.string()) }),
  administrator: z.string(),
  credential: z.enum(['operator', 'customer']),
  credential_expires_at: timeAnswer.nullable().meta({ description: "Of the organisation's own, where it is known." }),
  scope: z.array(z.string()),
  delegated_scope: z.array(z.string()),
  created_at: timeAnswer,
  updated_at: timeAnswer,
  revoked_at: timeAnswer.nullable(),
}

export const serviceAccountAnswer = z.strictObject(account)

export const serviceAccountPageAnswer = z.strictObject({
  service_accounts: z.array(serviceAccountAnswer),
  next_cursor: nextCursorAnswer,
})

export const revokedAnswer = z.strictObject({ ...account, revoked: z.strictObject(revokedCounts) })
